-- Put before every script. Keys are built here and only here.
local PREFIX = KEYS[1]
local function job_key(id) return PREFIX .. 'job:' .. id end
local function received_key(outbox) return PREFIX .. 'received:' .. outbox end
local function ready_key(queue) return PREFIX .. 'ready:' .. queue end
local function decided_key(outbox) return PREFIX .. 'decided:' .. outbox end
local function bell_key(outbox) return PREFIX .. 'bell:' .. outbox end
local function held_key(incarnation) return PREFIX .. 'held:' .. incarnation end
local function taken_key(incarnation) return PREFIX .. 'taken:' .. incarnation end
local CLAIMED = PREFIX .. 'claimed'
local INCARNATIONS = PREFIX .. 'incarnations'
local SPEEDS = PREFIX .. 'speeds'
local DEADLINES = PREFIX .. 'deadlines'
local DEAD = PREFIX .. 'dead'
local OUTBOXES = PREFIX .. 'outboxes'
local PAUSED = PREFIX .. 'paused'

-- An answer that nobody fetches is kept for seven days.
local UNFETCHED = 7 * 24 * 3600 * 1000

-- For as long a call may be repeated whose reply was lost: Redis is not away for longer than a day.
local REPEATED = 24 * 3600 * 1000

-- Most characters of a job's life. A job that was claimed once needs fewer than 64: up to there Redis keeps its
-- hash in the small form.
local LIFE = 600

-- Fields of a job in the order asked for, or nil where there is no such job.
local function job(id, ...)
  local fields = redis.call('HMGET', job_key(id), 'stage', ...)
  if not fields[1] then return nil end
  return fields
end

-- Adds to a job's life what happened to it, and when: in ms since it was received. Of a long life the beginning
-- is forgotten, which a '~' says.
local function note(id, what, now)
  local found = redis.call('HMGET', job_key(id), 'life', 'received_at')
  local life = found[1] or ''
  if #life > LIFE then life = '~' .. string.sub(life, -LIFE / 2) end
  redis.call('HSET', job_key(id), 'life', life .. what .. '+' .. (now - (found[2] or now)) .. ' ')
end

-- No job of a paused queue is claimed, and no message is sent for one.
local function is_paused(queue)
  return redis.call('HEXISTS', PAUSED, queue) == 1
end

-- A waiting reader wakes on the first element; more than one would only pile up.
local function ring_outbox(outbox, now)
  local bell = bell_key(outbox)
  if redis.call('LLEN', bell) == 0 then
    redis.call('RPUSH', bell, '1')
    redis.call('PEXPIRE', bell, 60000)
    redis.call('ZADD', OUTBOXES, now, outbox)
    redis.call('ZREMRANGEBYSCORE', OUTBOXES, '-inf', now - UNFETCHED)
  end
end

local function let_go(id, holder)
  if holder and holder ~= '' then redis.call('SREM', held_key(holder), id) end
end

-- To `ready`, under a new ring number: the caller owes it a message.
local function make_ready(id, queue, now)
  local ring = redis.call('INCR', PREFIX .. 'rings:' .. queue)
  redis.call('ZADD', ready_key(queue), ring, id)
  redis.call('HSET', job_key(id), 'stage', 'ready', 'rung_at', now, 'holder', '', 'token', '')
  note(id, 'ready', now)
end

-- Back to `received`: whoever owns the outbox brings the picture again.
local function make_received(id, outbox, now)
  redis.call('ZADD', received_key(outbox), now, id)
  redis.call('HSET', job_key(id), 'stage', 'received', 'holder', '', 'token', '')
  note(id, 'received', now)
  ring_outbox(outbox, now)
end

-- Out of every set that names its stage.
local function leave_stage(id, stage, queue, outbox)
  if stage == 'received' then redis.call('ZREM', received_key(outbox), id)
  elseif stage == 'ready' then redis.call('ZREM', ready_key(queue), id)
  elseif stage == 'claimed' then redis.call('ZREM', CLAIMED, id)
  elseif stage == 'decided' then redis.call('ZREM', decided_key(outbox), id)
  end
end

-- Writes the first decision and says whether this was it.
local function decide(id, decision, dead, now)
  local found = job(id, 'queue', 'outbox', 'holder')
  if not found then return 0 end
  local stage, queue, outbox, holder = found[1], found[2], found[3], found[4]
  if stage ~= 'received' and stage ~= 'ready' and stage ~= 'claimed' then return 0 end
  leave_stage(id, stage, queue, outbox)
  let_go(id, holder)
  redis.call('ZREM', DEADLINES, id)
  redis.call('HSET', job_key(id), 'stage', 'decided', 'decided_at', now, 'decision', decision,
    'holder', '', 'token', '')
  note(id, 'decided', now)
  redis.call('ZADD', decided_key(outbox), now, id)
  redis.call('PEXPIRE', decided_key(outbox), UNFETCHED)
  -- A dead letter stays until an operator drops it.
  if dead then redis.call('ZADD', DEAD, now, id) else redis.call('PEXPIRE', job_key(id), UNFETCHED) end
  ring_outbox(outbox, now)
  return 1
end
