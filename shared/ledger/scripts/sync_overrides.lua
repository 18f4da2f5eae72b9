#!lua flags=allow-oom
-- Writes and reads the overrides of settings. ARGV: (name, value) pairs to write, '' to remove one; none to read.
-- Returns names and values of all overrides.
local key = PREFIX .. 'setting_overrides'
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', key, ARGV[i]) else redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
end
return redis.call('HGETALL', key)
