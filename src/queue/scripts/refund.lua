-- Takes back one counted call that will not be made.
-- KEYS list   ARGV at_ms   Answers how many were taken back.
return redis.call('LREM', KEYS[1], 1, ARGV[1])
