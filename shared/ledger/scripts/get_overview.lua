#!lua flags=allow-oom
-- Reads the whole ledger in numbers. ARGV: maximum number of processes and of outboxes, queue names.
-- Returns the time in ms; rows of queues (name, ready, age in ms of the oldest, ms since it was paused or -1), of
-- outboxes (name, received, decided, age in ms of the oldest undelivered decision) and of processes (incarnation, ms left of the lease, jobs in flight, what it
-- serves); the numbers claimed, undecided, dead letters; and 'outbox reason', count pairs of all dead letters there were.
local limit, now = tonumber(ARGV[1]), clock()
local queues, outboxes, processes = {}, {}, {}
for i = 2, #ARGV do
  local queue, age = ARGV[i], 0
  local oldest = redis.call('ZRANGE', ready_key(queue), 0, 0)[1]
  if oldest then age = now - (redis.call('HGET', job_key(oldest), 'received_at') or now) end
  local paused_at = redis.call('HGET', PAUSED_QUEUES, queue)
  queues[#queues + 1] = {queue, redis.call('ZCARD', ready_key(queue)), age, paused_at and now - paused_at or -1}
end
for _, outbox in ipairs(redis.call('ZREVRANGE', OUTBOXES, 0, limit - 1)) do
  local received, decided = redis.call('ZCARD', received_key(outbox)), redis.call('ZCARD', decided_key(outbox))
  local oldest = redis.call('ZRANGE', decided_key(outbox), 0, 0)[1]
  local decided_at = oldest and redis.call('HGET', job_key(oldest), 'decided_at')
  if received + decided > 0 then
    outboxes[#outboxes + 1] = {outbox, received, decided, decided_at and now - decided_at or 0}
  end
end
local alive = redis.call('ZRANGEBYSCORE', INCARNATIONS, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #alive, 2 do
  local status = redis.call('HGET', WORKER_STATUS, alive[i]) or ''
  processes[#processes + 1] = {alive[i], alive[i + 1] - now, redis.call('SCARD', in_flight_key(alive[i])), status}
end
return {now, queues, outboxes, processes, redis.call('ZCARD', CLAIMED), redis.call('ZCARD', DEADLINES),
  redis.call('ZCARD', DEAD_LETTERS), redis.call('HGETALL', DEAD_LETTER_COUNTS)}
