-- Write a record, whatever was there.
-- KEYS: record   ARGV: shift, until ('': never), value

redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3])
if ARGV[2] ~= '' then
    redis.call('PEXPIREAT', KEYS[1], netted(ARGV[2]))
end
return {now}
