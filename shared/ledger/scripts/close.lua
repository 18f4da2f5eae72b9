#!lua flags=allow-oom
-- decided -> answered, or any stage but answered -> cancelled. ARGV: stage, retention in ms, ids.
-- Returns how many moved. A dead letter keeps its record until an operator drops it.
local target, retention, moved, now = ARGV[1], tonumber(ARGV[2]), 0, clock()
for i = 3, #ARGV do
  local id = ARGV[i]
  local found = job(id, 'queue', 'outbox', 'holder')
  if found and found[1] ~= 'answered' and found[1] ~= 'cancelled'
      and (target == 'cancelled' or found[1] == 'decided') then
    leave_stage(id, found[1], found[2], found[3])
    let_go(id, found[4])
    redis.call('ZREM', DEADLINES, id)
    if target == 'cancelled' then redis.call('ZREM', DEAD, id) end
    if retention > 0 or redis.call('ZSCORE', DEAD, id) then
      redis.call('HSET', job_key(id), 'stage', target, 'holder', '')
      -- Only the id is remembered of what nobody waits for: whose it was is nobody's business any more.
      if target == 'cancelled' then redis.call('HDEL', job_key(id), 'reference', 'decision') end
      note(id, target, now)
      if not redis.call('ZSCORE', DEAD, id) then redis.call('PEXPIRE', job_key(id), retention) end
    else
      redis.call('DEL', job_key(id))
    end
    moved = moved + 1
  end
end
return moved
