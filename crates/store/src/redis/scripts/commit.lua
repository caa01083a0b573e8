-- One commit. KEYS: birth, last, commits, log; then records, names and ends of each collection that is touched.
-- ARGV: birth, id, the caller's time, the time to go by or '' for the server's, entries the log keeps; then four lists,
-- each with its length in front: checks (collection, name, version), deletes (collection, name), puts (collection, name,
-- end, value), log entries. A collection is told by its number in KEYS. Times are microseconds.
-- Answers the revision, or nil for a conflict. Without an id it only sweeps.
local GRACE, KEPT_AT_MOST, FORGOTTEN_AT_ONCE, SWEPT_AT_ONCE = 60000000, 100000, 64, 32
-- One commit in so many looks for ids to forget; less than FORGOTTEN_AT_ONCE.
local FORGETTING = 16
local ABSENT, NEVER = '0000000000000000', '0000000000000000'

local known = redis.call('ZSCORE', KEYS[3], ARGV[2])
if known then
  return string.format('%016.0f', known)
end

local at = 5
local function take()
  at = at + 1
  return ARGV[at]
end
local function collection()
  return 2 + 3 * tonumber(take())
end

for _ = 1, tonumber(take()) do
  local place, name, version = collection(), take(), take()
  local record = redis.call('HGET', KEYS[place], name)
  if (record and string.sub(record, 1, 16) or ABSENT) ~= version then
    return false
  end
end

local now = tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- Collections in which anything expires. Each call from here costs about as much as the write itself, so most collections
-- are not looked at further.
local expiring = {}
for place = 5, #KEYS, 3 do
  expiring[place] = redis.call('EXISTS', KEYS[place + 2]) == 1
end

local deletes = tonumber(take())
local first_delete = at
at = at + 2 * deletes
local puts = tonumber(take())
local first_put = at
at = at + 4 * puts
local entries = tonumber(take())

local stamp
if ARGV[2] ~= '' then
  local revision = math.max(now, (tonumber(redis.call('GET', KEYS[2])) or 0) + 1)
  stamp = string.format('%016.0f', revision)
  redis.call('SET', KEYS[2], stamp)
  for n = 0, entries - 1 do
    local id = string.format('%.0f-%d', revision, n)
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[5], id, 'c', ARGV[2], 'p', take())
  end
  at = first_delete
  for _ = 1, deletes do
    local place, name = collection(), take()
    redis.call('HDEL', KEYS[place], name)
    redis.call('ZREM', KEYS[place + 1], name)
    if expiring[place] then
      redis.call('ZREM', KEYS[place + 2], name)
    end
  end
  at = first_put
  for _ = 1, puts do
    local place, name, ends, value = collection(), take(), take(), take()
    if redis.call('HSET', KEYS[place], name, stamp .. ends .. value) == 1 then
      redis.call('ZADD', KEYS[place + 1], 0, name)
    end
    if ends ~= NEVER then
      redis.call('ZADD', KEYS[place + 2], ends, name)
      expiring[place] = true
    elseif expiring[place] then
      redis.call('ZREM', KEYS[place + 2], name)
    end
  end
  redis.call('ZADD', KEYS[3], stamp, ARGV[2])
  if revision % FORGETTING == 0 then
    local old = redis.call('ZCOUNT', KEYS[3], '-inf', string.format('%.0f', now - GRACE))
    local surplus = redis.call('ZCARD', KEYS[3]) - KEPT_AT_MOST
    local forgotten = math.min(math.max(old, surplus), FORGOTTEN_AT_ONCE)
    if forgotten > 0 then
      redis.call('ZREMRANGEBYRANK', KEYS[3], 0, forgotten - 1)
    end
  end
end

-- Both clocks must agree that the minute is over: a wrong one alone takes nothing away.
local horizon = string.format('%016.0f', math.min(now, tonumber(ARGV[3])) - GRACE)
for place, any in pairs(expiring) do
  local due = any and redis.call('ZRANGEBYSCORE', KEYS[place + 2], '-inf', '(' .. horizon, 'LIMIT', 0, SWEPT_AT_ONCE)
  for _, name in ipairs(due or {}) do
    local record = redis.call('HGET', KEYS[place], name)
    local ends = record and string.sub(record, 17, 32) or NEVER
    if ends ~= NEVER and ends < horizon then
      redis.call('HDEL', KEYS[place], name)
      redis.call('ZREM', KEYS[place + 1], name)
    end
    redis.call('ZREM', KEYS[place + 2], name)
  end
end
return stamp
