-- A counter that ends by itself, from its first count on.
-- KEYS counter   ARGV ttl_ms
local n = redis.call('INCR', KEYS[1])
if n == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return n
