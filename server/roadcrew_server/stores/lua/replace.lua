-- Write a record if its value is the old one still.
-- KEYS: record   ARGV: shift, until ('': never), value, old

local stored = redis.call('GET', KEYS[1])
if not alive(stored) or value_of(stored) ~= ARGV[4] then
    return {now, 0}
end
redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3])
if ARGV[2] ~= '' then
    redis.call('PEXPIREAT', KEYS[1], netted(ARGV[2]))
end
return {now, 1}
