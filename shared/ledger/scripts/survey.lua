#!lua flags=allow-oom
-- What an operator wants to know at a glance. ARGV: most processes and outboxes, queue names.
-- Returns ms of the clock; rows of queues (name, ready, age in ms of the oldest, ms since it was paused or -1), of
-- outboxes (name, received, decided) and of processes (incarnation, ms left of its lease, jobs held, what it serves);
-- and the numbers claimed, undecided, dead, age in ms of the oldest undelivered decision.
local most, now = tonumber(ARGV[1]), clock()
local queues, outboxes, processes, waiting = {}, {}, {}, 0
for i = 2, #ARGV do
  local queue, age = ARGV[i], 0
  local first = redis.call('ZRANGE', ready_key(queue), 0, 0)[1]
  if first then age = now - (redis.call('HGET', job_key(first), 'received_at') or now) end
  local since = redis.call('HGET', PAUSED, queue)
  queues[#queues + 1] = {queue, redis.call('ZCARD', ready_key(queue)), age, since and now - since or -1}
end
for _, outbox in ipairs(redis.call('ZREVRANGE', OUTBOXES, 0, most - 1)) do
  local received, decided = redis.call('ZCARD', received_key(outbox)), redis.call('ZCARD', decided_key(outbox))
  local first = redis.call('ZRANGE', decided_key(outbox), 0, 0)[1]
  local since = first and redis.call('HGET', job_key(first), 'decided_at')
  if since then waiting = math.max(waiting, now - since) end
  if received + decided > 0 then outboxes[#outboxes + 1] = {outbox, received, decided} end
end
local alive = redis.call('ZRANGEBYSCORE', INCARNATIONS, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
for i = 1, #alive, 2 do
  local serving = redis.call('HGET', PREFIX .. 'serving', alive[i]) or ''
  processes[#processes + 1] = {alive[i], alive[i + 1] - now, redis.call('SCARD', held_key(alive[i])), serving}
end
return {now, queues, outboxes, processes, redis.call('ZCARD', CLAIMED), redis.call('ZCARD', DEADLINES),
  redis.call('ZCARD', DEAD), waiting}
