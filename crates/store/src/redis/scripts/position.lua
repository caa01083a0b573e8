-- The last entry of a log: its id and its commit; nothing if there is none. KEYS: birth, log.
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
return last and { last[1], last[2][2] } or {}
