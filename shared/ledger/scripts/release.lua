#!lua flags=allow-oom
-- claimed -> ready (the worker releases the job) or -> received (the store lost its image).
-- ARGV: incarnation, 'ready' or 'received', '1' if the jobs are suspect from now on, token or '', ids.
-- With a token, whatever its message has claimed is released, too: a worker whose claim failed does not know it.
-- Returns (queue, id) pairs for which a message is owed.
local incarnation, target, is_suspect, token, now, pending = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4], clock(), {}
local ids = token ~= '' and get_claimed_with(incarnation, {[token] = 1})[1] or {}
for i = 5, #ARGV do ids[#ids + 1] = ARGV[i] end
for _, id in ipairs(ids) do
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
      if make_ready(id, fields[2], now) then
        pending[#pending + 1] = fields[2]
        pending[#pending + 1] = id
      end
    end
  end
end
return pending
