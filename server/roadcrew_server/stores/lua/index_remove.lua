-- Take an item out of an index if its time is before that.
-- KEYS: index   ARGV: shift, item, before

local score = redis.call('ZSCORE', KEYS[1], ARGV[2])
if score and tonumber(score) < tonumber(ARGV[3]) then
    redis.call('ZREM', KEYS[1], ARGV[2])
end
return {now}
