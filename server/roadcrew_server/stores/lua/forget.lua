-- Drop a topic.
-- KEYS: topic, log, done, done_until, due   ARGV: shift, topic name

redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('ZREM', KEYS[5], ARGV[2])
return {now}
