-- Whose wait is to be told now; each is due again later, so that only one replica has it. KEYS: progress.
-- ARGV: most, seconds until it is due again. Returns the names.
local now = clock() / 1000
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
for _, name in ipairs(names) do redis.call('ZADD', KEYS[1], now + ARGV[2], name) end
return names
