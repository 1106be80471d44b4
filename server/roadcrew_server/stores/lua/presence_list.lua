-- Who is here; whoever has run out is removed.
-- KEYS: here

local answer = {now}
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
    if alive(stored[i + 1]) then
        answer[#answer + 1] = stored[i]
        answer[#answer + 1] = value_of(stored[i + 1])
    else
        redis.call('HDEL', KEYS[1], stored[i])
    end
end
return answer
