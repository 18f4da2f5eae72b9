#!lua flags=allow-oom
-- Deletes images and returns their space to the budget. It may run when Redis is full, because it frees memory.
-- The bytes are deleted even if nothing is reserved for them: they may have been stored after an earlier deletion.
-- ARGV: ids.
local prefix = KEYS[1]
for _, id in ipairs(ARGV) do
  redis.call('UNLINK', prefix .. 'bytes:' .. id)
  local size = redis.call('HGET', prefix .. 'sizes', id)
  if size then
    redis.call('HDEL', prefix .. 'sizes', id)
    redis.call('ZREM', prefix .. 'expiry', id)
    redis.call('DECRBY', prefix .. 'total', size)
  end
end
return 0
