-- Who may commit this post: the first to ask, for as long as the witness is kept.
-- KEYS w:{g}:<post>   ARGV value ttl_ms   Answers the holder.
local holder = redis.call('GET', KEYS[1])
if holder then
  return holder
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
