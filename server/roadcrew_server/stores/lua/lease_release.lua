-- KEYS: lease   ARGV: shift, fence

if redis.call('HGET', KEYS[1], 'fence') == ARGV[2] then
    redis.call('DEL', KEYS[1])
end
return {now}
