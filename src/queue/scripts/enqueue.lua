-- "Look at this post at this time."
-- KEYS {g}:A {g}:j:<acct> {g}:ri:<acct>   ARGV acct post at_ms limit window_ms horizon_ms
-- Answers 1 when there was no entry for the post yet, or it lies beyond the horizon.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if tonumber(ARGV[3]) > now + tonumber(ARGV[6]) then
  redis.call('ZREM', KEYS[2], ARGV[2])
  return 1
end
local first = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or '9e15')
local added = redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
local at = tonumber(redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
local oldest = redis.call('LINDEX', KEYS[3], tonumber(ARGV[4]) - 1)
if oldest then
  at = math.max(at, tonumber(oldest) + tonumber(ARGV[5]))
end
redis.call('ZADD', KEYS[1], string.format('%.0f', at), ARGV[1])
if at < first then
  redis.call('PUBLISH', KEYS[1], string.format('%.0f', at))
end
return added
