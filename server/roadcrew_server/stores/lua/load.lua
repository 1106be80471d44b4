-- The newest snapshot and all events after it, as one view.
-- KEYS: topic, log

local found = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'until', 'upto', 'upto_command', 'state')
if not found[1] or tonumber(found[3]) <= now then
    return {now}
end
local after = tonumber(found[4] or -1)
local events = redis.call('XRANGE', KEYS[2], digits(after + 2), '+')
return {now, found[1], tonumber(found[2]), events, after, found[5], found[6]}
