-- Add events and command records to a restored topic. Those that are there already do no harm.
-- KEYS: topic, log, done, done_until   ARGV: shift, epoch, number of events, then of each number, command, body;
--       then of each command record key, until, outcome

local found = redis.call('HMGET', KEYS[1], 'epoch', 'until')
if found[1] ~= ARGV[2] then
    return {now, 0}
end
local last = -1
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
if newest[1] then
    last = tonumber(string.match(newest[1][1], '^%d+')) - 1
end
local at = 4
for _ = 1, tonumber(ARGV[3]) do
    if tonumber(ARGV[at]) > last then
        redis.call('XADD', KEYS[2], digits(tonumber(ARGV[at]) + 1) .. '-0', 'c', ARGV[at + 1], 'b', ARGV[at + 2])
    end
    at = at + 3
end
for i = at, #ARGV, 3 do
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 1] .. ':' .. ARGV[i + 2])
    redis.call('ZADD', KEYS[4], ARGV[i + 1], ARGV[i])
end
for number = 2, 4 do
    redis.call('PEXPIREAT', KEYS[number], netted(found[2]))
end
return {now, 1}
