-- Who gives a Redis that forgot, or was set back, or is another one, all its hints again.
-- KEYS {0}:epoch {0}:loading   ARGV ttl_ms
-- Answers 0: it has them; 1: the caller does; 2: another one; and the server's name, which
-- says in {g}:epoch that it has them.
-- include server
local name = server()
if redis.call('GET', KEYS[1]) == name then
  return {0, name}
end
if redis.call('GET', KEYS[2]) == name then
  return {2, name}
end
redis.call('SET', KEYS[2], name, 'PX', ARGV[1])
return {1, name}
