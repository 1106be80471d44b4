-- Remove a record and tell everybody.
-- KEYS: record   ARGV: shift, key, hint channel, hint token

redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[3], row(ARGV[4], 'revoked', ARGV[2]))
return {now}
