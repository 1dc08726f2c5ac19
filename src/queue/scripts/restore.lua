-- The calls that an account has made, and those that it may make at any moment: all that
-- is known of them, in place of what was. From the newest to the oldest.
-- KEYS list   ARGV limit window_ms, then for each its age_ms, negative: it may come yet
-- That one is marked by half a ms: who makes it moves the mark (ring.lua).
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('DEL', KEYS[1])
for i = 3, #ARGV do
  local age = tonumber(ARGV[i])
  local at = age < 0 and string.format('%.0f.5', now) or string.format('%.0f', now - age)
  redis.call('RPUSH', KEYS[1], at)
end
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[1]) - 1)
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) * 2)
return 1
