#!lua flags=allow-oom
-- ready -> claimed, for messages that a worker has taken from their queues.
-- ARGV: incarnation, the queue whose claimed jobs wait in the worker, maximum number of jobs of a message that names
-- fewer, '1' to repeat a call whose reply could not be read, then for each message: token, queue, number of ids, ids.
-- A message claims the jobs that it names, and its share of the other jobs that wait in its queue, the oldest first.
-- The rest is left for the messages that still wait. Only `ready` jobs are claimed, and none of a paused queue.
-- If the last call of this process began with the same token, its reply was lost and is repeated.
-- Returns for each message a list of: id, contract, queue, suspect, attempts, ms to the deadline, ms since the job was
-- received, ms since it last became ready.
local incarnation, waiting_queue, limit, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), clock()
local messages, positions, waiting, replies, paused, is_repeated = {}, {}, {}, {}, {}, false
for _, queue in ipairs(redis.call('HKEYS', PAUSED_QUEUES)) do paused[queue] = true end

local i = 5
while i <= #ARGV do
  local message = {token = ARGV[i], queue = ARGV[i + 1], ids = {}}
  for position = i + 3, i + 2 + ARGV[i + 2] do table.insert(message.ids, ARGV[position]) end
  table.insert(messages, message)
  positions[message.token] = #messages
  waiting[message.queue] = (waiting[message.queue] or redis.call('LLEN', message.queue)) + 1
  i = i + 3 + ARGV[i + 2]
end

local function add_reply(position, id, fields, attempts)
  table.insert(replies[position], {id, fields[4], fields[3], fields[5], attempts, fields[7] - now, now - fields[8],
    now - (fields[9] or now)})
end

local function read(id)
  return get_job(id, 'token', 'queue', 'contract', 'suspect', 'attempts', 'deadline', 'received_at', 'dispatched_at')
end

-- Returns whether the job was ready. Under the same token it may have been claimed before.
local function claim(position, id)
  local fields = read(id)
  if not fields then return false end
  if fields[1] == 'claimed' and fields[2] == messages[position].token and not is_repeated then
    add_reply(position, id, fields, tonumber(fields[6]))
  end
  if fields[1] ~= 'ready' or paused[fields[3]] then return false end
  local attempts = tonumber(fields[6]) + 1
  redis.call('ZREM', ready_key(fields[3]), id)
  redis.call('ZADD', CLAIMED, now, id)
  add_in_flight(id, incarnation, now)
  redis.call('HSET', job_key(id), 'stage', 'claimed', 'holder', incarnation, 'token', messages[position].token,
    'attempts', attempts, 'begun', fields[3] == waiting_queue and 0 or 1)
  add_event(id, 'claimed@' .. incarnation, now)
  add_reply(position, id, fields, attempts)
  return true
end

for position = 1, #messages do replies[position] = {} end
is_repeated = ARGV[4] == '1' or redis.call('GET', last_claim_key(incarnation)) == messages[1].token
if is_repeated then
  for position, ids in ipairs(get_claimed_with(incarnation, positions)) do
    for _, id in ipairs(ids) do
      local fields = read(id)
      add_reply(position, id, fields, tonumber(fields[6]))
    end
  end
end
for position, message in ipairs(messages) do
  for _, id in ipairs(message.ids) do claim(position, id) end
end
for position, message in ipairs(messages) do
  local queue, own = message.queue, #replies[position]
  if not is_repeated and not paused[queue] then
    local share = math.ceil((redis.call('ZCARD', ready_key(queue)) + own) / waiting[queue])
    local count = math.min(share, limit) - own
    if count > 0 then
      for _, id in ipairs(redis.call('ZRANGE', ready_key(queue), 0, count - 1)) do
        if not claim(position, id) then redis.call('ZREM', ready_key(queue), id) end
      end
    end
    waiting[queue] = waiting[queue] - 1
  end
end
if not is_repeated then redis.call('SET', last_claim_key(incarnation), messages[1].token, 'PX', REPEATABLE_MS) end
return replies
