-- Who fills in what the windows of a group must know again after Redis forgot it.
-- KEYS {g}:ready {g}:restoring   ARGV ttl_ms
-- Answers 0: they are known; 1: the caller fills them in; 2: another one does.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then
  return 1
end
return 2
