-- Records of one moment. KEYS: birth, records of each collection. ARGV: birth; (collection, name) of each record.
local answer = {}
for at = 2, #ARGV, 2 do
  answer[#answer + 1] = redis.call('HGET', KEYS[1 + tonumber(ARGV[at])], ARGV[at + 1])
end
return answer
