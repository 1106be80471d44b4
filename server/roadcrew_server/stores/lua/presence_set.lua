-- Somebody is here. Hints when that is new.
-- KEYS: here   ARGV: shift, topic name, connection, value, length, hint channel, hint token

local stored = redis.call('HGET', KEYS[1], ARGV[3])
local ends = now + tonumber(ARGV[5])
local changed = not alive(stored) or value_of(stored) ~= ARGV[4]
redis.call('HSET', KEYS[1], ARGV[3], digits(ends) .. ':' .. ARGV[4])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[5]) + NET then
    redis.call('PEXPIREAT', KEYS[1], netted(ends))
end
if changed then
    redis.call('PUBLISH', ARGV[6], row(ARGV[7], 'presence', ARGV[2]))
end
return {now, changed and 1 or 0}
