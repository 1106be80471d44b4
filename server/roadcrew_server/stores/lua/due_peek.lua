-- The topics that are due first, each with its time; changes nothing but what is left of topics that are gone.
-- KEYS: due times (one or several buckets)   ARGV: shift, how many, per bucket: what its topics' keys begin with

local answer = {now}
for number, key in ipairs(KEYS) do
    local wanted, from = tonumber(ARGV[2]), 0
    while wanted > 0 do
        local found = redis.call('ZRANGE', key, from, from + wanted - 1, 'WITHSCORES')
        local gone = 0
        for i = 1, #found, 2 do
            -- In the same slot as its bucket, though not among KEYS.
            local ends = redis.call('HGET', ARGV[2 + number] .. found[i], 'until')
            if ends and tonumber(ends) > now then
                answer[#answer + 1] = found[i]
                answer[#answer + 1] = found[i + 1]
                wanted = wanted - 1
                from = from + 1
            else
                redis.call('ZREM', key, found[i])
                gone = gone + 1
            end
        end
        if gone == 0 then
            break
        end
    end
end
return answer
