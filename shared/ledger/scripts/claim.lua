#!lua flags=allow-oom
-- ready -> claimed. ARGV: incarnation, the queue whose claimed jobs wait in the worker, (token, id) pairs.
-- Jobs that are not `ready` and jobs of a paused queue are left out. If the same token has claimed a job before, the
-- first reply was lost and is repeated.
-- Returns for each pair false, or: id, contract, queue, suspect, attempts, ms to the deadline, ms since the job was
-- received, ms since it last became ready.
local incarnation, waiting_queue, now, replies = ARGV[1], ARGV[2], clock(), {}
local paused = {}
for _, queue in ipairs(redis.call('HKEYS', PAUSED_QUEUES)) do paused[queue] = true end
for i = 3, #ARGV, 2 do
  local token, id, reply = ARGV[i], ARGV[i + 1], false
  local fields = get_job(id, 'token', 'queue', 'contract', 'suspect', 'attempts', 'deadline', 'received_at',
    'dispatched_at')
  if fields then
    local stage, queue, attempts = fields[1], fields[3], tonumber(fields[6])
    local is_ours = stage == 'claimed' and fields[2] == token
    if stage == 'ready' and not paused[queue] then
      local sequence = tonumber(redis.call('ZSCORE', ready_key(queue), id) or 0)
      local last_claimed = claimed_sequence_key(queue)
      if sequence > tonumber(redis.call('GET', last_claimed) or 0) then redis.call('SET', last_claimed, sequence) end
      attempts = attempts + 1
      redis.call('ZREM', ready_key(queue), id)
      redis.call('ZADD', CLAIMED, now, id)
      add_in_flight(id, incarnation, now)
      redis.call('HSET', job_key(id), 'stage', 'claimed', 'holder', incarnation, 'token', token,
        'attempts', attempts, 'begun', queue == waiting_queue and 0 or 1)
      add_event(id, 'claimed@' .. incarnation, now)
      is_ours = true
    end
    if is_ours then
      reply = {id, fields[4], queue, fields[5], attempts, fields[7] - now, now - fields[8], now - (fields[9] or now)}
    end
  end
  replies[#replies + 1] = reply
end
return replies
