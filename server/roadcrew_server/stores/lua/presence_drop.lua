-- Somebody left. Hints when they were here.
-- KEYS: here   ARGV: shift, topic name, connection, hint channel, hint token

local was = alive(redis.call('HGET', KEYS[1], ARGV[3]))
redis.call('HDEL', KEYS[1], ARGV[3])
if was then
    redis.call('PUBLISH', ARGV[4], row(ARGV[5], 'presence', ARGV[2]))
end
return {now, was and 1 or 0}
