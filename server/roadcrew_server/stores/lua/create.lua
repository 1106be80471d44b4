-- Write a record if there is none but an expired one.
-- KEYS: record   ARGV: shift, until ('': never), value

if alive(redis.call('GET', KEYS[1])) then
    return {now, 0}
end
redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3])
if ARGV[2] ~= '' then
    redis.call('PEXPIREAT', KEYS[1], netted(ARGV[2]))
end
return {now, 1}
