-- Write a record if its value is the old one still, and tell everybody if that is asked for.
-- KEYS: record   ARGV: shift, until ('': never), value, old; to tell: key, hint channel, hint token

local stored = redis.call('GET', KEYS[1])
if not alive(stored) or value_of(stored) ~= ARGV[4] then
    return {now, 0}
end
redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3])
if ARGV[2] ~= '' then
    redis.call('PEXPIREAT', KEYS[1], netted(ARGV[2]))
end
if ARGV[5] then
    redis.call('PUBLISH', ARGV[6], row(ARGV[7], 'changed', ARGV[5]))
end
return {now, 1}
