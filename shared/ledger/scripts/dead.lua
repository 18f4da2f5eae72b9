#!lua flags=allow-oom
-- Dead letters, the oldest first. ARGV: how many, ids to look at or none for the oldest.
-- Returns id, stage, queue, outbox, attempts, ms since it died, decision for each.
local now, rows, ids = clock(), {}, {}
if #ARGV > 1 then
  for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
else
  ids = redis.call('ZRANGE', DEAD, 0, ARGV[1] - 1)
end
for _, id in ipairs(ids) do
  local died, found = redis.call('ZSCORE', DEAD, id), job(id, 'queue', 'outbox', 'attempts', 'decision')
  if died and found then
    rows[#rows + 1] = {id, found[1], found[2], found[3], found[4], now - died, found[5] or ''}
  elseif died then
    redis.call('ZREM', DEAD, id)
  end
end
return rows
