-- What follows a cursor. KEYS: birth, log. ARGV: birth, id and commit of the entry at the cursor, how many entries, after
-- how many octets the page ends. Answers id, commit, payload of each entry; nil if the cursor's entry is not there.
if ARGV[2] == '0-0' then
  -- In front of the first entry: good as long as nothing was trimmed.
  if redis.call('EXISTS', KEYS[2]) == 1 then
    local info = redis.call('XINFO', 'STREAM', KEYS[2])
    local length, added
    for at = 1, #info, 2 do
      if info[at] == 'length' then length = info[at + 1] end
      if info[at] == 'entries-added' then added = info[at + 1] end
    end
    if length ~= added then
      return false
    end
  end
else
  local there = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2])[1]
  if not there or there[2][2] ~= ARGV[3] then
    return false
  end
end
local answer, octets = {}, 0
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[2], '+', 'COUNT', ARGV[4])) do
  answer[#answer + 1] = entry[1]
  answer[#answer + 1] = entry[2][2]
  answer[#answer + 1] = entry[2][4]
  octets = octets + #entry[2][4]
  if octets > tonumber(ARGV[5]) then
    break
  end
end
return answer
