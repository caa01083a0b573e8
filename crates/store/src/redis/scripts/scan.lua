-- A page of a collection, in the order of names. KEYS: birth, records, names. ARGV: birth, the range of names (two), how
-- many, after how many octets the page ends. Answers whether that was all of the range; then name, record, name, record …
local names = redis.call('ZRANGE', KEYS[3], ARGV[2], ARGV[3], 'BYLEX', 'LIMIT', 0, ARGV[4])
local answer, octets = { #names < tonumber(ARGV[4]) and 1 or 0 }, 0
for n, name in ipairs(names) do
  local record = redis.call('HGET', KEYS[2], name)
  answer[#answer + 1] = name
  answer[#answer + 1] = record
  octets = octets + (record and #record or 0)
  if octets > tonumber(ARGV[5]) and n < #names then
    answer[1] = 0
    break
  end
end
return answer
