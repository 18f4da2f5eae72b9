#!lua flags=allow-oom
-- decided -> answered, or any stage but answered -> cancelled. ARGV: target stage, retention in ms, ids.
-- Returns how many jobs moved. An answered dead letter keeps its record.
local target, retention, moved, now = ARGV[1], tonumber(ARGV[2]), 0, clock()
for i = 3, #ARGV do
  local id = ARGV[i]
  local fields = get_job(id, 'queue', 'outbox', 'holder')
  if fields and fields[1] ~= 'answered' and fields[1] ~= 'cancelled'
      and (target == 'cancelled' or fields[1] == 'decided') then
    leave_stage(id, fields[1], fields[2], fields[3])
    remove_in_flight(id, fields[4])
    redis.call('ZREM', DEADLINES, id)
    if target == 'cancelled' then redis.call('ZREM', DEAD_LETTERS, id) end
    if retention > 0 or redis.call('ZSCORE', DEAD_LETTERS, id) then
      redis.call('HSET', job_key(id), 'stage', target, 'holder', '')
      -- The record of a cancelled job says no longer whose it was.
      if target == 'cancelled' then redis.call('HDEL', job_key(id), 'payload', 'decision') end
      add_event(id, target, now)
      if not redis.call('ZSCORE', DEAD_LETTERS, id) then redis.call('PEXPIRE', job_key(id), retention) end
    else
      redis.call('DEL', job_key(id))
    end
    moved = moved + 1
  end
end
return moved
