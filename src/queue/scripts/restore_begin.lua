-- Who fills in what the windows of a group must know again after Redis forgot it, or was
-- set back, or is another one.
-- KEYS {g}:ready {g}:restoring {g}:unsure   ARGV token ttl_ms settle_ms
-- Answers 0: they are known; 1: the caller fills them in; 2: another one does, or it is
-- too early: calls that were let through before this was noticed are not written down
-- yet. And the name under which the caller does it.
-- include server
local name = server()
if redis.call('GET', KEYS[1]) == name then
  return {0, ''}
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local seen = redis.call('GET', KEYS[3]) or ''
local who, since = string.match(seen, '^(%x+) (%d+)$')
if who ~= name then
  since = string.format('%.0f', now)
  redis.call('SET', KEYS[3], name .. ' ' .. since, 'PX', 60000)
end
if now - tonumber(since) < tonumber(ARGV[3]) then
  return {2, ''}
end
local holder = redis.call('GET', KEYS[2]) or ''
if string.sub(holder, 1, #name + 1) == name .. ' ' then
  return {2, ''}
end
local claim = name .. ' ' .. ARGV[1]
redis.call('SET', KEYS[2], claim, 'PX', ARGV[2])
return {1, claim}
