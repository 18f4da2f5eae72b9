#!lua flags=allow-oom
-- Limits that go before everyone's settings. ARGV: (name, value) pairs to write, '' to forget one; none to look.
-- Returns names and values of all.
local key = PREFIX .. 'limits'
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', key, ARGV[i]) else redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
end
return redis.call('HGETALL', key)
