-- Begins every script. ARGV[1] is added to the server's clock: 0, but for tests that let time pass.
-- Times are milliseconds since 1970. Every script answers {time, ...}.

local shift = tonumber(ARGV[1])

local function time_us()
    local t = redis.call('TIME')
    return tonumber(t[1]) * 1000000 + tonumber(t[2]) + shift * 1000
end

local function digits(n)
    return string.format('%.0f', n)
end

local now = math.floor(time_us() / 1000)

-- What has expired is not there, at once; Redis itself removes it a day later.
local NET = 86400000

local function netted(at)
    return digits(tonumber(at) + NET)
end

-- Values that expire are kept as `until:value`; an empty `until` is never.
local function alive(stored)
    if not stored then
        return false
    end
    local at = string.match(stored, '^(%d*):')
    return at == '' or tonumber(at) > now
end

local function value_of(stored)
    return string.sub(stored, string.find(stored, ':', 1, true) + 1)
end

-- The command that made an event: '' if there is none of that number, or it is no longer kept.
local function command_of(log, number)
    local id = digits(number + 1)
    local entry = redis.call('XRANGE', log, id, id)[1]
    return entry and entry[2][2] or ''
end

-- A hint is a row of netstrings: token, kind, topic, and what the kind adds.
local function row(...)
    local parts = {}
    for _, text in ipairs({...}) do
        parts[#parts + 1] = #text .. ':' .. text
    end
    return table.concat(parts)
end
