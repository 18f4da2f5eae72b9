#!lua
-- Creates jobs that do not exist yet. If the images are stored already, new and `received` jobs become `ready` at once.
-- ARGV: contract, queue, outbox, language, deadline in ms, '1' if the images are stored, then (id, payload) pairs.
-- Returns ids of jobs that became ready; the caller publishes a message for each. Messages that wait cover the others.
local contract, queue, outbox, language = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local deadline, is_stored = tonumber(ARGV[5]), ARGV[6] == '1'
local now, pending = clock(), {}
for i = 7, #ARGV, 2 do
  local id, payload = ARGV[i], ARGV[i + 1]
  local stage = redis.call('HGET', job_key(id), 'stage')
  if not stage then
    redis.call('HSET', job_key(id), 'contract', contract, 'queue', queue, 'outbox', outbox,
      'language', language, 'payload', payload, 'received_at', now, 'deadline', now + deadline,
      'attempts', 0, 'suspect', 0, 'stage', 'received')
    redis.call('ZADD', DEADLINES, now + deadline, id)
    stage = 'received'
    if not is_stored then
      redis.call('ZADD', received_key(outbox), now, id)
      signal_outbox(outbox, now)
    end
  end
  if is_stored and stage == 'received' then
    remove_in_flight(id, redis.call('HGET', job_key(id), 'holder'))
    redis.call('ZREM', received_key(outbox), id)
    if make_ready(id, queue, now) then pending[#pending + 1] = id end
  end
end
return pending
