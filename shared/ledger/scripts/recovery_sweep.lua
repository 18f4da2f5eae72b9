#!lua flags=allow-oom
-- Requeues the jobs of dead processes, finds jobs whose message was lost, fails jobs past their deadline. Bounded.
-- ARGV: maximum number of jobs of each kind, lease in ms, grace in ms, decision for a missed deadline, queue names.
-- Returns (queue, id) pairs for which a message is owed, the number of jobs that became ready or had no message, and the ids of the jobs that missed their deadline.
local limit, lease, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local too_late, now, pending, expired, found = ARGV[4], clock(), {}, {}, 0

local last_sweep = tonumber(redis.call('GET', LAST_SWEEP_AT) or now)
if now - last_sweep < 500 and now ~= last_sweep then return {pending, found, expired} end
redis.call('SET', LAST_SWEEP_AT, now)
-- If no process swept for longer than a lease, Redis was unavailable, and a missed heartbeat proves nothing. Every
-- process gets a new lease.
if now - last_sweep > lease then
  for _, incarnation in ipairs(redis.call('ZRANGE', INCARNATIONS, 0, -1)) do
    redis.call('ZADD', INCARNATIONS, now + lease, incarnation)
  end
end

local function add_pending(id, queue, is_owed)
  found = found + 1
  if is_owed then
    pending[#pending + 1] = queue
    pending[#pending + 1] = id
  end
end

local budget = limit
for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', INCARNATIONS, '-inf', now)) do
  local in_flight = in_flight_key(incarnation)
  for _, id in ipairs(redis.call('SRANDMEMBER', in_flight, budget)) do
    redis.call('SREM', in_flight, id)
    budget = budget - 1
    local fields = get_job(id, 'queue', 'outbox', 'holder', 'begun')
    if fields and fields[4] == incarnation then
      local stage, queue, outbox = fields[1], fields[2], fields[3]
      if stage == 'received' then make_received(id, outbox, now)
      elseif stage == 'decided' then
        redis.call('HSET', job_key(id), 'holder', '')
        offer_decided(id, outbox, now)
        signal_outbox(outbox, now)
      elseif stage == 'claimed' then
        redis.call('ZREM', CLAIMED, id)
        if fields[5] == '0' then
          -- It waited in the worker: that was no attempt.
          redis.call('HINCRBY', job_key(id), 'attempts', -1)
        else
          -- This image may have killed the worker, so the next worker decodes it in a child process.
          redis.call('HSET', job_key(id), 'suspect', 1)
        end
        add_event(id, 'lost', now)
        add_pending(id, queue, make_ready(id, queue, now))
      end
    end
  end
  if redis.call('SCARD', in_flight) == 0 then
    redis.call('ZREM', INCARNATIONS, incarnation)
    redis.call('HDEL', THROUGHPUTS, incarnation)
    redis.call('DEL', last_lease_key(incarnation), last_claim_key(incarnation))
  end
  if budget <= 0 then break end
end

for i = 5, #ARGV do
  local queue = ARGV[i]
  -- While a message is left in the queue, no job is lost: each message claims the oldest jobs, too. Age alone proves
  -- nothing: a backlog is not a loss. The grace covers a message that is on its way. The jobs keep their places.
  if redis.call('LLEN', queue) == 0 and not is_paused(queue) then
    for _, id in ipairs(redis.call('ZRANGE', ready_key(queue), 0, limit - 1)) do
      local fields = get_job(id, 'dispatched_at')
      if not fields or fields[1] ~= 'ready' then
        redis.call('ZREM', ready_key(queue), id)
      elseif now - fields[2] >= grace then
        redis.call('HSET', job_key(id), 'dispatched_at', now)
        add_event(id, 'ready', now)
        add_pending(id, queue, owe_message(queue))
      end
    end
  end
end

redis.call('ZREMRANGEBYSCORE', DEAD_LETTERS, '-inf', now - DEAD_LETTER_TTL_MS)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, limit)) do
  if decide(id, too_late, true, now) == 1 then
    expired[#expired + 1] = id
  else
    redis.call('ZREM', DEADLINES, id)
  end
end
return {pending, found, expired}
