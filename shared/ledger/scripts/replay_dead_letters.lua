#!lua
-- Processes dead letters again: -> ready if the image is stored, else -> received, so that its owner uploads it.
-- A dead letter whose answer could not be delivered keeps its decision and is delivered again.
-- A replayed job gets the contract version of the caller, because workers of that release refuse an older one. A newer
-- version is kept: the caller does not know it.
-- ARGV: deadline in ms, contract, then (id, '1' if the image is stored) pairs.
-- Returns how many are replayed, then (queue, id) pairs for which a message is owed. A suspect job stays suspect.
local deadline, contract, now, reply = tonumber(ARGV[1]), tonumber(ARGV[2]), clock(), {0}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local fields = get_job(id, 'queue', 'outbox', 'holder', 'contract')
  if fields and (fields[1] == 'decided' or fields[1] == 'answered') and redis.call('ZREM', DEAD_LETTERS, id) == 1 then
    reply[1] = reply[1] + 1
    add_event(id, 'replayed', now)
    leave_stage(id, fields[1], fields[2], fields[3])
    remove_in_flight(id, fields[4])
    if redis.call('HDEL', job_key(id), 'undeliverable_reason') == 1 then
      offer_decided(id, fields[3], now)
      redis.call('PEXPIRE', job_key(id), UNFETCHED_TTL_MS)
      signal_outbox(fields[3], now)
    else
      redis.call('PERSIST', job_key(id))
      redis.call('HDEL', job_key(id), 'decision', 'decided_at')
      redis.call('HSET', job_key(id), 'attempts', 0, 'deadline', now + deadline,
        'contract', math.max(contract, tonumber(fields[5] or 0)))
      redis.call('ZADD', DEADLINES, now + deadline, id)
      if ARGV[i + 1] == '1' then
        if make_ready(id, fields[2], now) then
          reply[#reply + 1] = fields[2]
          reply[#reply + 1] = id
        end
      else
        make_received(id, fields[3], now)
      end
    end
  end
end
return reply
