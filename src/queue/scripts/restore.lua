-- A call that an account made some time ago. Called from the newest to the oldest.
-- KEYS list   ARGV age_ms limit window_ms
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('RPUSH', KEYS[1], string.format('%.0f', now - tonumber(ARGV[1])))
redis.call('LTRIM', KEYS[1], 0, tonumber(ARGV[2]) - 1)
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]) * 2)
return 1
