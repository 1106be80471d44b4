-- Never lowers it.
-- KEYS: fence   ARGV: shift, newest

local fence = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(ARGV[2]))
redis.call('SET', KEYS[1], digits(fence))
return {now}
