-- Hands out what is due, one post per account, within each account's init window.
-- KEYS {g}:A   ARGV prefix max ahead_ms limit window_ms
-- Answers now, 1 when all hints were loaded (load_begin.lua), next wake, 1 when the windows
-- are known, then account, post, score, and since when the account's window lets it go, for
-- each post. A group whose windows are not known (restore_begin.lua) hands out nothing.
-- include server
local name = server()
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local prefix, max, edge = ARGV[1], tonumber(ARGV[2]), now + tonumber(ARGV[3])
local limit, window = tonumber(ARGV[4]), tonumber(ARGV[5])
local function free_at(ring, cut)
  local oldest = redis.call('LINDEX', ring, limit - 1 - cut)
  return oldest and tonumber(oldest) + window or 0
end
local function text(ms)
  return string.format('%.0f', ms)
end
local loaded = redis.call('GET', prefix .. 'epoch') == name
local out = {text(now), loaded and '1' or '0', '0', '1'}
if redis.call('GET', prefix .. 'ready') ~= name then
  out[4] = '0'
  return out
end
local due = redis.call('ZRANGE', KEYS[1], '-inf', text(edge), 'BYSCORE', 'LIMIT', 0, max)
for _, account in ipairs(due) do
  local posts, ring = prefix .. 'j:' .. account, prefix .. 'ri:' .. account
  local head = redis.call('ZRANGE', posts, 0, 1, 'WITHSCORES')
  local cut = tonumber(redis.call('GET', prefix .. 'xi:' .. account) or '0')
  local free = free_at(ring, cut)
  if head[1] and math.max(tonumber(head[2]), free) <= edge then
    redis.call('ZREM', posts, head[1])
    redis.call('LPUSH', ring, text(math.max(now, tonumber(head[2]))))
    redis.call('LTRIM', ring, 0, limit - 1)
    redis.call('PEXPIRE', ring, window * 2)
    out[#out + 1] = account
    out[#out + 1] = head[1]
    out[#out + 1] = head[2]
    out[#out + 1] = text(free)
    free = free_at(ring, cut)
    head = {head[3], head[4]}
  end
  if head[1] then
    redis.call('ZADD', KEYS[1], text(math.max(tonumber(head[2]), free)), account)
  else
    redis.call('ZREM', KEYS[1], account)
  end
end
out[3] = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] or '0'
return out
