-- An exact sliding window: one call more, or how long to wait for it.
-- KEYS list cut [ready]   ARGV limit window_ms counted
-- counted: as what this call was counted already when it was only planned; that moves to
-- now, and takes no room that it did not have. So does the mark of a call that may come
-- (restore.lua). 0: it was not.
-- Answers the ms to wait, 0: counted, go on; as what it was counted; and 0 when what a
-- group whose windows must be known knows is not to be trusted: nothing was counted.
-- include server
if KEYS[3] and redis.call('GET', KEYS[3]) ~= server() then
  return {0, 0, 0}
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local cut = tonumber(redis.call('GET', KEYS[2]) or '0')
local moved = redis.call('LREM', KEYS[1], 1, ARGV[3])
if moved == 0 and ARGV[3] ~= '0' then
  for _, at in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    if moved == 0 and string.find(at, '.', 1, true) then
      moved = redis.call('LREM', KEYS[1], 1, at)
    end
  end
end
local oldest = redis.call('LINDEX', KEYS[1], limit - 1 - cut)
if moved == 0 and oldest and tonumber(oldest) + window > now then
  return {math.ceil(tonumber(oldest) + window - now), 0, 1}
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, limit - 1)
redis.call('PEXPIRE', KEYS[1], window)
return {0, now, 1}
