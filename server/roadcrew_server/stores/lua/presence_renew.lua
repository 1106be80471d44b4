-- Several are here, as one process says. Hints when one of them is new. Answers whether, and who is here until when.
-- KEYS: here   ARGV: shift, topic name, length, hint channel, hint token; then for each: connection, value

local ends = now + tonumber(ARGV[3])
local changed = false
for i = 6, #ARGV, 2 do
    local stored = redis.call('HGET', KEYS[1], ARGV[i])
    changed = changed or not alive(stored) or value_of(stored) ~= ARGV[i + 1]
    redis.call('HSET', KEYS[1], ARGV[i], digits(ends) .. ':' .. ARGV[i + 1])
end
if #ARGV > 5 and redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) + NET then
    redis.call('PEXPIREAT', KEYS[1], netted(ends))
end
if changed then
    redis.call('PUBLISH', ARGV[4], row(ARGV[5], 'presence', ARGV[2]))
end

local answer = {now, changed and 1 or 0}
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
    if alive(stored[i + 1]) then
        answer[#answer + 1] = stored[i]
        answer[#answer + 1] = stored[i + 1]
    else
        redis.call('HDEL', KEYS[1], stored[i])
    end
end
return answer
