#!lua flags=allow-oom
-- Deletes images and returns their space to the budget. It may run when Redis is full, because it frees memory.
-- ARGV: ids.
local prefix = KEYS[1]
for _, id in ipairs(ARGV) do
  local size = redis.call('HGET', prefix .. 'sizes', id)
  if size then
    redis.call('UNLINK', prefix .. 'bytes:' .. id)
    redis.call('HDEL', prefix .. 'sizes', id)
    redis.call('ZREM', prefix .. 'expiry', id)
    redis.call('DECRBY', prefix .. 'total', size)
  end
end
return 0
