#!lua flags=allow-oom
-- Lists dead letters, the oldest first. ARGV: maximum number, ids to read or none for the oldest.
-- Returns id, stage, queue, outbox, attempts, age in ms, decision for each.
local now, rows, ids = clock(), {}, {}
if #ARGV > 1 then
  for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
else
  ids = redis.call('ZRANGE', DEAD_LETTERS, 0, ARGV[1] - 1)
end
for _, id in ipairs(ids) do
  local died_at = redis.call('ZSCORE', DEAD_LETTERS, id)
  local fields = get_job(id, 'queue', 'outbox', 'attempts', 'decision')
  if died_at and fields then
    rows[#rows + 1] = {id, fields[1], fields[2], fields[3], fields[4], now - died_at, fields[5] or ''}
  elseif died_at then
    redis.call('ZREM', DEAD_LETTERS, id)
  end
end
return rows
