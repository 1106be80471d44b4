-- KEYS: lease, fence   ARGV: shift, holder, length
-- A fence is the time in microseconds, or one more than the last: it grows even if the counter was lost.

local found = redis.call('HMGET', KEYS[1], 'holder', 'until')
if found[1] and tonumber(found[2]) > now and found[1] ~= ARGV[2] then
    return {now}
end
local fence = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, time_us())
local ends = now + tonumber(ARGV[3])
redis.call('SET', KEYS[2], digits(fence))
redis.call('HSET', KEYS[1], 'holder', ARGV[2], 'fence', digits(fence), 'until', digits(ends))
redis.call('PEXPIREAT', KEYS[1], netted(ends))
return {now, digits(fence), ends}
