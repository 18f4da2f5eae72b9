#!lua
-- Opens jobs that are not there yet; with the picture already stored they go on to `ready` at once.
-- ARGV: contract, queue, outbox, language, deadline in ms, '1' if the pictures are stored,
-- then (id, reference) pairs. Returns the ids that became ready: each is owed a message.
local contract, queue, outbox, language = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local deadline, stored = tonumber(ARGV[5]), ARGV[6] == '1'
local now, owed = clock(), {}
for i = 7, #ARGV, 2 do
  local id, reference = ARGV[i], ARGV[i + 1]
  local stage = redis.call('HGET', job_key(id), 'stage')
  if not stage then
    redis.call('HSET', job_key(id), 'contract', contract, 'queue', queue, 'outbox', outbox,
      'language', language, 'reference', reference, 'received_at', now, 'deadline', now + deadline,
      'attempts', 0, 'suspect', 0, 'stage', 'received')
    redis.call('ZADD', DEADLINES, now + deadline, id)
    stage = 'received'
    if not stored then
      redis.call('ZADD', received_key(outbox), now, id)
      ring_outbox(outbox, now)
    end
  end
  if stored and stage == 'received' then
    let_go(id, redis.call('HGET', job_key(id), 'holder'))
    redis.call('ZREM', received_key(outbox), id)
    make_ready(id, queue, now)
    owed[#owed + 1] = id
  end
end
return owed
