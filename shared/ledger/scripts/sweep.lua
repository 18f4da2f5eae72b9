#!lua flags=allow-oom
-- Hands back what the dead held, rings again for jobs that no message covers, closes what is past its
-- deadline. Bounded. ARGV: most jobs of each kind, lease in ms, grace in ms, decision for a missed
-- deadline, queue names.
-- Returns (queue, id) pairs that are owed a message.
local most, lease, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local too_late, now, owed = ARGV[4], clock(), {}

local last = tonumber(redis.call('GET', PREFIX .. 'swept_at') or now)
if now - last < 500 and now ~= last then return owed end
redis.call('SET', PREFIX .. 'swept_at', now)
-- Nobody swept for a while: Redis was away, so a missed heartbeat says nothing. Everyone gets a new lease.
if now - last > lease then
  for _, incarnation in ipairs(redis.call('ZRANGE', INCARNATIONS, 0, -1)) do
    redis.call('ZADD', INCARNATIONS, now + lease, incarnation)
  end
end

local budget = most
for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', INCARNATIONS, '-inf', now)) do
  local held = held_key(incarnation)
  for _, id in ipairs(redis.call('SRANDMEMBER', held, budget)) do
    redis.call('SREM', held, id)
    budget = budget - 1
    local found = job(id, 'queue', 'outbox', 'holder')
    if found and found[4] == incarnation then
      local stage, queue, outbox = found[1], found[2], found[3]
      if stage == 'received' then make_received(id, outbox, now)
      elseif stage == 'decided' then
        redis.call('HSET', job_key(id), 'holder', '')
        redis.call('ZADD', decided_key(outbox), now, id)
        ring_outbox(outbox, now)
      elseif stage == 'claimed' then
        -- Perhaps it was this picture that killed the worker: it is decoded in a child process next.
        redis.call('ZREM', CLAIMED, id)
        redis.call('HSET', job_key(id), 'suspect', 1)
        note(id, 'lost', now)
        make_ready(id, queue, now)
        owed[#owed + 1] = queue
        owed[#owed + 1] = id
      end
    end
  end
  if redis.call('SCARD', held) == 0 then
    redis.call('ZREM', INCARNATIONS, incarnation)
    redis.call('HDEL', SPEEDS, incarnation)
    redis.call('DEL', taken_key(incarnation))
  end
  if budget <= 0 then break end
end

for i = 5, #ARGV do
  local queue = ARGV[i]
  -- Overdue: a later one was claimed, or there is no message left. Never by age alone, a backlog is no loss;
  -- the grace covers a message that is on its way.
  local bound = '(' .. (redis.call('GET', PREFIX .. 'passed:' .. queue) or 0)
  if redis.call('LLEN', queue) == 0 then bound = '+inf' end
  if is_paused(queue) then bound = '(0' end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', ready_key(queue), '-inf', bound, 'LIMIT', 0, most)) do
    local found = job(id, 'rung_at')
    if not found or found[1] ~= 'ready' then
      redis.call('ZREM', ready_key(queue), id)
    elseif now - found[2] >= grace then
      make_ready(id, queue, now)
      owed[#owed + 1] = queue
      owed[#owed + 1] = id
    end
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now, 'LIMIT', 0, most)) do
  if decide(id, too_late, true, now) == 0 then redis.call('ZREM', DEADLINES, id) end
end
return owed
