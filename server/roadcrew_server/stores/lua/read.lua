-- At most so many events after a number, and the command of the event of that number.
-- KEYS: topic, log   ARGV: shift, after, limit

local found = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first', 'until')
if not found[1] or tonumber(found[4]) <= now then
    return {now}
end
local after, events = math.max(tonumber(ARGV[2]), -1), {}
if tonumber(ARGV[3]) > 0 then
    events = redis.call('XRANGE', KEYS[2], digits(after + 2), '+', 'COUNT', ARGV[3])
end
return {now, found[1], tonumber(found[2]), tonumber(found[3]), command_of(KEYS[2], after), events}
