-- Snapshot and trim; refused unless the epoch matches, `upto` is that command's and past the stored one.
-- KEYS: topic, log   ARGV: shift, epoch, upto, command, state, events that stay

local upto = tonumber(ARGV[3])
local found = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first', 'until', 'upto')
if not found[1] or tonumber(found[4]) <= now or found[1] ~= ARGV[2] then
    return {now, 0}
end
local head = tonumber(found[2])
if upto < 0 or upto > head or (found[5] and upto <= tonumber(found[5])) then
    return {now, 0}
end
if command_of(KEYS[2], upto) ~= ARGV[4] then
    return {now, 0}
end
redis.call('HSET', KEYS[1], 'upto', digits(upto), 'upto_command', ARGV[4], 'state', ARGV[5])
local first = math.min(upto, head - tonumber(ARGV[6])) + 1
if first > tonumber(found[3]) then
    redis.call('XTRIM', KEYS[2], 'MINID', digits(first + 1))
    redis.call('HSET', KEYS[1], 'first', digits(first))
end
return {now, 1}
