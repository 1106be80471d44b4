-- At most so many events after a number.
-- KEYS: topic, log   ARGV: shift, after, limit

local found = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first', 'until')
if not found[1] or tonumber(found[4]) <= now then
    return {now}
end
local events = {}
if tonumber(ARGV[3]) > 0 then
    local from = math.max(tonumber(ARGV[2]) + 2, 1)
    events = redis.call('XRANGE', KEYS[2], digits(from), '+', 'COUNT', ARGV[3])
end
return {now, found[1], tonumber(found[2]), tonumber(found[3]), events}
