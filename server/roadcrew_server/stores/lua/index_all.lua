-- Every item of an index, each with its time.
-- KEYS: index

return {now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')}
