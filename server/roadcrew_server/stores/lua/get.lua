-- A record, unless it has expired.
-- KEYS: record

local stored = redis.call('GET', KEYS[1])
if alive(stored) then
    return {now, stored}
end
return {now}
