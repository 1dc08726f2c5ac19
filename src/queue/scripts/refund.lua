-- Takes back one counted call that will not be made: the account's next post need not wait
-- for it.
-- KEYS list {g}:A {g}:j:<acct> {g}:xi:<acct>   ARGV at_ms acct limit window_ms
-- Answers how many were taken back.
local n = redis.call('LREM', KEYS[1], 1, ARGV[1])
local head = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
if n == 0 or not head then
  return n
end
local cut = tonumber(redis.call('GET', KEYS[4]) or '0')
local oldest = redis.call('LINDEX', KEYS[1], tonumber(ARGV[3]) - 1 - cut)
local at = math.max(tonumber(head), oldest and tonumber(oldest) + tonumber(ARGV[4]) or 0)
local first = tonumber(redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2] or '9e15')
redis.call('ZADD', KEYS[2], string.format('%.0f', at), ARGV[2])
if at < first then
  redis.call('PUBLISH', KEYS[2], string.format('%.0f', at))
end
return n
