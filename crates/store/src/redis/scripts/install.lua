-- Stamps a partition that nothing was ever written to. KEYS: birth, last, commits, log. ARGV: the birth record.
-- Answers 1, or 0 if there is something.
if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) > 0 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1])
return 1
