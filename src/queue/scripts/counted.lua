-- KEYS counter   Answers its value and the ms until it ends.
return {tonumber(redis.call('GET', KEYS[1]) or '0'), math.max(redis.call('PTTL', KEYS[1]), 0)}
