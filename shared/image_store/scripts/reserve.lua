-- Reserves space for all images of a call or for none. Reservations of expired images are deleted first, at most 1,000,
-- so that they do not count towards the budget. The bytes do not pass through Lua, which would copy them twice.
-- ARGV: budget in bytes, time to live in ms, then (id, size in bytes) pairs. Returns 1, or 0 if they exceed the budget.
local prefix, budget, ttl = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local expiry, sizes, total = prefix .. 'expiry', prefix .. 'sizes', prefix .. 'total'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('DECRBY', total, redis.call('HGET', sizes, id) or 0)
  redis.call('HDEL', sizes, id)
  redis.call('ZREM', expiry, id)
end
local added = 0
for i = 3, #ARGV, 2 do
  added = added + ARGV[i + 1] - (redis.call('HGET', sizes, ARGV[i]) or 0)
end
if tonumber(redis.call('GET', total) or 0) + added > budget then return 0 end
for i = 3, #ARGV, 2 do
  redis.call('HSET', sizes, ARGV[i], ARGV[i + 1])
  redis.call('ZADD', expiry, now + ttl, ARGV[i])
end
redis.call('INCRBY', total, added)
return 1
