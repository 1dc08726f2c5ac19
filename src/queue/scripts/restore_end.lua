-- The windows of a group are known, unless something was forgotten meanwhile.
-- KEYS {g}:ready {g}:restoring {g}:unsure   ARGV claim   Answers 1 when they are.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], string.match(ARGV[1], '^(%x+) '))
redis.call('DEL', KEYS[2], KEYS[3])
return 1
