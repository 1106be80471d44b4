-- KEYS: lease   ARGV: shift, fence, length

local found = redis.call('HMGET', KEYS[1], 'fence', 'until')
if found[1] ~= ARGV[2] or tonumber(found[2]) <= now then
    return {now}
end
local ends = now + tonumber(ARGV[3])
redis.call('HSET', KEYS[1], 'until', digits(ends))
redis.call('PEXPIREAT', KEYS[1], netted(ends))
return {now, ends}
