-- Make a topic as another store had it; its events and command records come afterwards.
-- KEYS: topic, log, done, done_until, due
-- ARGV: shift, topic name, epoch, head, first kept, until, due ('': none), upto ('': no snapshot), its command, state

redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('HSET', KEYS[1], 'epoch', ARGV[3], 'head', ARGV[4], 'first', ARGV[5], 'until', ARGV[6])
if ARGV[8] ~= '' then
    redis.call('HSET', KEYS[1], 'upto', ARGV[8], 'upto_command', ARGV[9], 'state', ARGV[10])
end
redis.call('PEXPIREAT', KEYS[1], netted(ARGV[6]))
if ARGV[7] == '' then
    redis.call('ZREM', KEYS[5], ARGV[2])
else
    redis.call('ZADD', KEYS[5], ARGV[7], ARGV[2])
end
return {now}
