-- Hand out those of the named topics that are due still; each is due again later, should its taker die.
-- KEYS: due times (one or several buckets)   ARGV: shift, due, again; then bucket number and topic in turn

local answer = {now}
for i = 4, #ARGV, 2 do
    local key, topic = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
    local score = redis.call('ZSCORE', key, topic)
    if score and tonumber(score) <= tonumber(ARGV[2]) then
        redis.call('ZADD', key, ARGV[3], topic)
        answer[#answer + 1] = topic
    end
end
return answer
