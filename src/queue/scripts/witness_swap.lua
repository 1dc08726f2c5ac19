-- Compare and set, or compare and delete when the new value is empty.
-- KEYS w:{g}:<post>   ARGV from to ttl_ms   Answers 1 when from was the holder.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
