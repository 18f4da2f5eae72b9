#!lua
-- A dead letter lives again: -> ready where its picture is stored, else -> received, for its owner to bring it.
-- One whose answer could not be delivered keeps its decision and is delivered again.
-- Whoever lets it live again opens it anew, so it is of their contract: workers of that release would refuse the one
-- before. Never of an older one: who does not know the newer cannot speak for it.
-- ARGV: deadline in ms, contract, then (id, '1' if the picture is stored) pairs.
-- Returns how many live again, then (queue, id) pairs that are owed a message. A picture that was suspect still is.
local deadline, contract, now, owed = tonumber(ARGV[1]), tonumber(ARGV[2]), clock(), {0}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local found = job(id, 'queue', 'outbox', 'holder', 'contract')
  if found and (found[1] == 'decided' or found[1] == 'answered') and redis.call('ZREM', DEAD, id) == 1 then
    owed[1] = owed[1] + 1
    note(id, 'replayed', now)
    leave_stage(id, found[1], found[2], found[3])
    let_go(id, found[4])
    if redis.call('HDEL', job_key(id), 'undeliverable') == 1 then
      redis.call('HSET', job_key(id), 'holder', '')
      redis.call('ZADD', decided_key(found[3]), now, id)
      redis.call('PEXPIRE', decided_key(found[3]), UNFETCHED)
      redis.call('PEXPIRE', job_key(id), UNFETCHED)
      ring_outbox(found[3], now)
    else
      redis.call('PERSIST', job_key(id))
      redis.call('HDEL', job_key(id), 'decision', 'decided_at')
      redis.call('HSET', job_key(id), 'attempts', 0, 'deadline', now + deadline,
        'contract', math.max(contract, tonumber(found[5] or 0)))
      redis.call('ZADD', DEADLINES, now + deadline, id)
      if ARGV[i + 1] == '1' then
        make_ready(id, found[2], now)
        owed[#owed + 1] = found[2]
        owed[#owed + 1] = id
      else
        make_received(id, found[3], now)
      end
    end
  end
end
return owed
