-- Put before every script of the ledger. Keys are built here, except for those that one script alone uses.
local PREFIX = KEYS[1]
local function job_key(id) return PREFIX .. 'job:' .. id end
local function received_key(outbox) return PREFIX .. 'received:' .. outbox end
local function ready_key(queue) return PREFIX .. 'ready:' .. queue end
local function decided_key(outbox) return PREFIX .. 'decided:' .. outbox end
local function outbox_signal_key(outbox) return PREFIX .. 'outbox_signal:' .. outbox end
-- Ids of the jobs that a process has claimed or leased.
local function in_flight_key(incarnation) return PREFIX .. 'in_flight:' .. incarnation end
-- The last reply of a process' leases, by outbox.
local function last_lease_key(incarnation) return PREFIX .. 'last_lease:' .. incarnation end
-- Number of the last job of a queue that became ready: the order of its ready jobs.
local function dispatch_sequence_key(queue) return PREFIX .. 'dispatch_sequence:' .. queue end
-- Token of the first message of a process' last claim.
local function last_claim_key(incarnation) return PREFIX .. 'last_claim:' .. incarnation end
local CLAIMED = PREFIX .. 'claimed'
local INCARNATIONS = PREFIX .. 'incarnations'
local THROUGHPUTS = PREFIX .. 'throughputs'
local DEADLINES = PREFIX .. 'deadlines'
local DEAD_LETTERS = PREFIX .. 'dead_letters'
local OUTBOXES = PREFIX .. 'outboxes'
local PAUSED_QUEUES = PREFIX .. 'paused_queues'
local WORKER_STATUS = PREFIX .. 'worker_status'
local DRAIN_REQUESTS = PREFIX .. 'drain_requests'
local DESIRED_MODEL = PREFIX .. 'desired_model'
local LAST_SWEEP_AT = PREFIX .. 'last_sweep_at'
-- Hash: how many jobs have ever become dead letters, by 'outbox reason'.
local DEAD_LETTER_COUNTS = PREFIX .. 'dead_letter_counts'

-- A decision that its owner does not fetch is kept for seven days.
local UNFETCHED_TTL_MS = 7 * 24 * 3600 * 1000

-- A dead letter is kept for thirty days. It says whose job it was, so it must not be kept without end.
local DEAD_LETTER_TTL_MS = 30 * 24 * 3600 * 1000

-- The lease of a process that claims or leases jobs after its own lease has ended. Each second it sends a heartbeat.
local HOLDER_LEASE_MS = 5000

-- A call whose reply was lost may be repeated for this long. Longer outages of Redis are not expected.
local REPEATABLE_MS = 24 * 3600 * 1000

-- While fewer messages than this wait in a queue, each job gets a message of its own: workers have time for them.
local SHORT_QUEUE = 8

-- Maximum length of a job's history in characters. A job that was claimed once needs fewer than 64: up to 64
-- characters a field, Redis keeps the job's hash in the compact form.
local MAX_HISTORY = 600

-- Returns the stage of a job and the fields asked for, or nil if the job does not exist.
local function get_job(id, ...)
  local fields = redis.call('HMGET', job_key(id), 'stage', ...)
  if not fields[1] then return nil end
  return fields
end

-- Appends an event to a job's history, with its time in ms since the job was received. A long history loses its
-- beginning; a '~' then marks it as truncated.
local function add_event(id, event, now)
  local fields = redis.call('HMGET', job_key(id), 'history', 'received_at')
  local history = fields[1] or ''
  if #history > MAX_HISTORY then history = '~' .. string.sub(history, -MAX_HISTORY / 2) end
  redis.call('HSET', job_key(id), 'history', history .. event .. '+' .. (now - (fields[2] or now)) .. ' ')
end

-- No job of a paused queue is claimed, and the recovery sweep does not look for its lost messages.
local function is_paused(queue)
  return redis.call('HEXISTS', PAUSED_QUEUES, queue) == 1
end

-- Wakes the reader of an outbox. One element in the list is enough for that.
local function signal_outbox(outbox, now)
  local signal = outbox_signal_key(outbox)
  if redis.call('LLEN', signal) == 0 then
    redis.call('RPUSH', signal, '1')
    redis.call('PEXPIRE', signal, 60000)
    redis.call('ZADD', OUTBOXES, now, outbox)
    redis.call('ZREMRANGEBYSCORE', OUTBOXES, '-inf', now - UNFETCHED_TTL_MS)
  end
end

-- A process that holds jobs is registered: the recovery sweep looks at the jobs of registered processes alone.
local function add_in_flight(id, holder, now)
  redis.call('SADD', in_flight_key(holder), id)
  local lease_end = tonumber(redis.call('ZSCORE', INCARNATIONS, holder) or 0)
  if lease_end <= now then redis.call('ZADD', INCARNATIONS, now + HOLDER_LEASE_MS, holder) end
end

local function remove_in_flight(id, holder)
  if holder and holder ~= '' then redis.call('SREM', in_flight_key(holder), id) end
end

-- Returns for each token of `positions` (token -> position) the list of jobs that a process has claimed under it.
-- A job whose record is damaged is passed over.
local function get_claimed_with(incarnation, positions)
  local claimed = {}
  for _, position in pairs(positions) do claimed[position] = {} end
  for _, id in ipairs(redis.call('SMEMBERS', in_flight_key(incarnation))) do
    local fields = redis.pcall('HMGET', job_key(id), 'stage', 'token', 'holder')
    local position = not fields.err and fields[2] and positions[fields[2]]
    if position and fields[1] == 'claimed' and fields[3] == incarnation then table.insert(claimed[position], id) end
  end
  return claimed
end

-- Messages that this script has asked its caller to publish, by queue.
local owed_messages = {}

-- Number of messages that wait in a queue, with those that are about to be published.
local function waiting_messages(queue)
  return redis.call('LLEN', queue) + (owed_messages[queue] or 0)
end

-- Returns whether one more message is owed for the ready jobs of a queue. With each message a worker claims up to
-- JOBS_PER_MESSAGE jobs (`claim`), so once a queue has a backlog, many jobs need no message of their own.
local function owe_message(queue)
  local waiting = waiting_messages(queue)
  local is_owed = waiting < SHORT_QUEUE or waiting * JOBS_PER_MESSAGE < redis.call('ZCARD', ready_key(queue))
  if is_owed then owed_messages[queue] = (owed_messages[queue] or 0) + 1 end
  return is_owed
end

-- -> ready, as the last of its queue. Returns whether the caller of the script must publish a message for the job.
local function make_ready(id, queue, now)
  local sequence = redis.call('INCR', dispatch_sequence_key(queue))
  redis.call('ZADD', ready_key(queue), sequence, id)
  redis.call('HSET', job_key(id), 'stage', 'ready', 'dispatched_at', now, 'holder', '', 'token', '')
  add_event(id, 'ready', now)
  return owe_message(queue)
end

-- -> received: the owner of the outbox uploads the image again.
local function make_received(id, outbox, now)
  redis.call('ZADD', received_key(outbox), now, id)
  redis.call('HSET', job_key(id), 'stage', 'received', 'holder', '', 'token', '')
  add_event(id, 'received', now)
  signal_outbox(outbox, now)
end

-- Offers a decided job to the readers of its outbox from the time `due` on.
local function offer_decided(id, outbox, due)
  redis.call('ZADD', decided_key(outbox), due, id)
  redis.call('PEXPIRE', decided_key(outbox), UNFETCHED_TTL_MS)
end

-- Removes a job from the set of its stage.
local function leave_stage(id, stage, queue, outbox)
  if stage == 'received' then redis.call('ZREM', received_key(outbox), id)
  elseif stage == 'ready' then redis.call('ZREM', ready_key(queue), id)
  elseif stage == 'claimed' then redis.call('ZREM', CLAIMED, id)
  elseif stage == 'decided' then redis.call('ZREM', decided_key(outbox), id)
  end
end

-- Adds a dead letter. The count never falls, not even when an operator drops dead letters. Each folder run has an outbox
-- of its own, so those of one kind are counted as one.
local function add_dead_letter(id, outbox, reason, now)
  redis.call('ZADD', DEAD_LETTERS, now, id)
  redis.call('HINCRBY', DEAD_LETTER_COUNTS, string.gsub(outbox, '^bulk:.*', 'bulk') .. ' ' .. reason, 1)
end

-- -> decided. The first write wins. Returns 1 if this decision was written.
local function decide(id, decision, is_dead_letter, now)
  local fields = get_job(id, 'queue', 'outbox', 'holder')
  if not fields then return 0 end
  local stage, queue, outbox, holder = fields[1], fields[2], fields[3], fields[4]
  if stage ~= 'received' and stage ~= 'ready' and stage ~= 'claimed' then return 0 end
  leave_stage(id, stage, queue, outbox)
  remove_in_flight(id, holder)
  redis.call('ZREM', DEADLINES, id)
  redis.call('HSET', job_key(id), 'stage', 'decided', 'decided_at', now, 'decision', decision,
    'holder', '', 'token', '')
  add_event(id, 'decided', now)
  offer_decided(id, outbox, now)
  if is_dead_letter then
    local is_json, failure = pcall(cjson.decode, decision)
    add_dead_letter(id, outbox, is_json and type(failure) == 'table' and failure.reason or 'unknown', now)
  end
  redis.call('PEXPIRE', job_key(id), is_dead_letter and DEAD_LETTER_TTL_MS or UNFETCHED_TTL_MS)
  signal_outbox(outbox, now)
  return 1
end
