-- Compare and append (DESIGN 4): known commands, else a conflict, else the write.
-- KEYS: topic, log, done, done_until, due
-- ARGV: shift, topic name, epoch ('': to be born), expected last, its command ('': any), keep until, due ('': none),
--       chance, most missing, hint channel, hint token, most bytes in a hint, number of commits; then for each
--       commit: command, number of bodies, bodies, record key ('': none), and with a record: outcome, until

local topic, epoch, expected, expected_command = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local keep_until, due, chance, most_missing = ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])
local channel, token, most_bytes = ARGV[10], ARGV[11], tonumber(ARGV[12])

local commits, bytes = {}, 0
local at = 14
for _ = 1, tonumber(ARGV[13]) do
    local commit = {command = ARGV[at], bodies = {}}
    local number = tonumber(ARGV[at + 1])
    at = at + 2
    for _ = 1, number do
        commit.bodies[#commit.bodies + 1] = ARGV[at]
        bytes = bytes + #ARGV[at]
        at = at + 1
    end
    commit.key = ARGV[at]
    at = at + 1
    if commit.key ~= '' then
        commit.outcome, commit.ends = ARGV[at], ARGV[at + 1]
        at = at + 2
    end
    commits[#commits + 1] = commit
end

local found = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'first', 'until')
local lives = found[1] and tonumber(found[4]) > now
local head, before = -1, ''

if lives then
    local known = {}
    for _, commit in ipairs(commits) do
        if commit.key ~= '' then
            local stored = redis.call('HGET', KEYS[3], commit.key)
            if alive(stored) then
                known[#known + 1] = commit.key
                known[#known + 1] = value_of(stored)
            end
        end
    end
    if #known > 0 then
        return {now, 'known', known}
    end
    head, before = tonumber(found[2]), command_of(KEYS[2], expected)
    local agreed = expected_command == '' or before == expected_command
    if epoch ~= found[1] or expected ~= head or not agreed then
        local first = tonumber(found[3])
        local same = agreed and (epoch == found[1] or (epoch == '' and expected == -1))
        if same and first - 1 <= expected and expected <= head and head - expected <= most_missing then
            return {now, 'conflict', found[1], head, redis.call('XRANGE', KEYS[2], digits(expected + 2), '+')}
        end
        return {now, 'conflict', found[1], head}
    end
else
    if epoch ~= '' or expected ~= -1 then
        return {now, 'conflict', '', -1}
    end
    local events = 0
    for _, commit in ipairs(commits) do
        events = events + #commit.bodies
    end
    if events == 0 then
        return {now, 'no event'}
    end
    redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
    epoch = string.format('%x', math.floor(now / 65536)) .. string.format('%04x', now % 65536) .. '-' .. chance
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'first', '0')
end

local first = head + 1
local hint = {}
for _, commit in ipairs(commits) do
    for _, body in ipairs(commit.bodies) do
        head = head + 1
        redis.call('XADD', KEYS[2], digits(head + 1) .. '-0', 'c', commit.command, 'b', body)
        if bytes <= most_bytes then
            hint[#hint + 1] = row(commit.command, body)
        end
    end
end

local records = 0
for _, commit in ipairs(commits) do
    if commit.key ~= '' then
        records = records + 1
        redis.call('HSET', KEYS[3], commit.key, commit.ends .. ':' .. commit.outcome)
        redis.call('ZADD', KEYS[4], commit.ends, commit.key)
    end
end
-- Those whose time is over go a few at a time, always more than came.
for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 2 * records + 8)) do
    redis.call('HDEL', KEYS[3], key)
    redis.call('ZREM', KEYS[4], key)
end

redis.call('HSET', KEYS[1], 'head', digits(head), 'until', keep_until)
for number = 1, 4 do
    redis.call('PEXPIREAT', KEYS[number], netted(keep_until))
end
if due == '' then
    redis.call('ZREM', KEYS[5], topic)
else
    redis.call('ZADD', KEYS[5], due, topic)
end
if head >= first then
    redis.call('PUBLISH', channel, row(token, 'log', topic, epoch, digits(first), before) .. table.concat(hint))
end
return {now, 'appended', epoch, head, before}
