-- An exact sliding window: one call more, or how long to wait for it.
-- KEYS list cut   ARGV limit window_ms   Answers the ms to wait; 0: counted, go on.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local cut = tonumber(redis.call('GET', KEYS[2]) or '0')
local oldest = redis.call('LINDEX', KEYS[1], limit - 1 - cut)
if oldest and tonumber(oldest) + window > now then
  return tonumber(oldest) + window - now
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, limit - 1)
redis.call('PEXPIRE', KEYS[1], window)
return 0
