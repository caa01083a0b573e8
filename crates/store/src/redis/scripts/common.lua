-- In front of every script. KEYS[1] is the partition's birth record, ARGV[1] what it must be.
local found = redis.call('GET', KEYS[1])
if found ~= ARGV[1] then
  return redis.error_reply('BIRTH ' .. KEYS[1] .. ': ' .. (found or 'none'))
end
