-- Returns the targets whose status update is due, and makes each due again later, so that only one replica gets it.
-- KEYS: status updates. ARGV: maximum number of targets, seconds until they are due again.
local status_updates, limit, repeat_after_s = KEYS[1], ARGV[1], ARGV[2]
local now = clock() / 1000
local targets = redis.call('ZRANGEBYSCORE', status_updates, '-inf', now, 'LIMIT', 0, limit)
for _, target in ipairs(targets) do redis.call('ZADD', status_updates, now + repeat_after_s, target) end
return targets
