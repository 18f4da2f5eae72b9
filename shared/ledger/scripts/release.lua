#!lua flags=allow-oom
-- claimed -> ready (the worker releases the job) or -> received (the store lost its image).
-- ARGV: incarnation, 'ready' or 'received', '1' if the jobs are suspect from now on, ids.
-- Returns (queue, id) pairs that await a message.
local incarnation, target, is_suspect, now, pending = ARGV[1], ARGV[2], ARGV[3] == '1', clock(), {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local fields = get_job(id, 'queue', 'outbox', 'holder')
  if fields and fields[1] == 'claimed' and fields[4] == incarnation then
    redis.call('ZREM', CLAIMED, id)
    remove_in_flight(id, incarnation)
    if is_suspect then redis.call('HSET', job_key(id), 'suspect', 1) end
    if target == 'received' then
      make_received(id, fields[3], now)
    else
      -- A released job was not attempted; a suspect one was.
      if not is_suspect then redis.call('HINCRBY', job_key(id), 'attempts', -1) end
      make_ready(id, fields[2], now)
      pending[#pending + 1] = fields[2]
      pending[#pending + 1] = id
    end
  end
end
return pending
