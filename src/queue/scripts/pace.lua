-- The slowest upload rate among publishers, so that each prepares early enough for all.
-- KEYS tts:pace   ARGV rate (0: nothing known) who ttl_ms   Answers the slowest; 0: none.
local held = redis.call('GET', KEYS[1]) or ''
local rate, who = string.match(held, '^(%d+) (.*)$')
local mine = tonumber(ARGV[1])
rate = tonumber(rate or '0')
if mine > 0 and (rate == 0 or mine < rate or who == ARGV[2]) then
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
  return mine
end
return rate
