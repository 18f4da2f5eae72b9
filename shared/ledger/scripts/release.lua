#!lua flags=allow-oom
-- claimed -> ready (the worker gives the job back) or -> received (its picture is gone).
-- ARGV: incarnation, 'ready' or 'received', '1' if the pictures are suspect from now on, ids.
-- Returns (queue, id) pairs that are owed a message.
local incarnation, target, suspect, now, owed = ARGV[1], ARGV[2], ARGV[3] == '1', clock(), {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local found = job(id, 'queue', 'outbox', 'holder')
  if found and found[1] == 'claimed' and found[4] == incarnation then
    redis.call('ZREM', CLAIMED, id)
    let_go(id, incarnation)
    if suspect then redis.call('HSET', job_key(id), 'suspect', 1) end
    if target == 'received' then
      make_received(id, found[3], now)
    else
      -- Given back whole is not tried; a suspect one was.
      if not suspect then redis.call('HINCRBY', job_key(id), 'attempts', -1) end
      make_ready(id, found[2], now)
      owed[#owed + 1] = found[2]
      owed[#owed + 1] = id
    end
  end
end
return owed
