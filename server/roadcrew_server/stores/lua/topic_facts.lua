-- All that is kept of a topic but its events and command records.
-- KEYS: topic, due   ARGV: shift, topic name

local found = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first', 'until', 'upto', 'upto_command', 'state')
if not found[1] or tonumber(found[4]) <= now then
    return {now}
end
local due = redis.call('ZSCORE', KEYS[2], ARGV[2])
return {now, found[1], tonumber(found[2]), tonumber(found[3]), found[4], due or '', found[5] or '', found[6], found[7]}
