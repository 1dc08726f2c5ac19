-- One call less for an account's window, for a while; one call always remains.
-- KEYS counter   ARGV limit ttl_ms
local n = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('SET', KEYS[1], math.min(n + 1, tonumber(ARGV[1]) - 1), 'PX', ARGV[2])
return 0
