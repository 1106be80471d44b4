-- A part of a topic's command records: where to go on (0: nowhere), then key and `until:outcome` in turn.
-- KEYS: topic, done   ARGV: shift, cursor, about how many

local answer = {now, '0'}
local ends = redis.call('HGET', KEYS[1], 'until')
if not ends or tonumber(ends) <= now then
    return answer
end
local part = redis.call('HSCAN', KEYS[2], ARGV[2], 'COUNT', ARGV[3])
answer[2] = part[1]
for i = 1, #part[2], 2 do
    if alive(part[2][i + 1]) then
        answer[#answer + 1] = part[2][i]
        answer[#answer + 1] = part[2][i + 1]
    end
end
return answer
