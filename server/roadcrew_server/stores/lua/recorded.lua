-- The outcome of a command, if it is remembered.
-- KEYS: topic, done   ARGV: shift, record key

local ends = redis.call('HGET', KEYS[1], 'until')
if not ends or tonumber(ends) <= now then
    return {now}
end
local stored = redis.call('HGET', KEYS[2], ARGV[2])
if alive(stored) then
    return {now, value_of(stored)}
end
return {now}
