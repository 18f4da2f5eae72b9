#!lua flags=allow-oom
-- Counts jobs and processes. ARGV: queue names. Returns (name, number) pairs. `oldest_ms` of a queue is the age of its
-- first job. `images_per_1000_s` is the throughput of all live workers together.
local now, counts = clock(), {}
local function add(name, number) counts[#counts + 1] = name; counts[#counts + 1] = number end
for _, queue in ipairs(ARGV) do
  add('ready:' .. queue, redis.call('ZCARD', ready_key(queue)))
  local oldest, age = redis.call('ZRANGE', ready_key(queue), 0, 0)[1], 0
  if oldest then age = now - (redis.call('HGET', job_key(oldest), 'received_at') or now) end
  add('oldest_ms:' .. queue, age)
  add('paused:' .. queue, is_paused(queue) and 1 or 0)
end
add('claimed', redis.call('ZCARD', CLAIMED))
add('dead_letters', redis.call('ZCARD', DEAD_LETTERS))
add('incarnations', redis.call('ZCOUNT', INCARNATIONS, '(' .. now, '+inf'))
local workers, throughput = 0, 0
for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', INCARNATIONS, '(' .. now, '+inf')) do
  local reported = redis.call('HGET', THROUGHPUTS, incarnation)
  if reported then workers, throughput = workers + 1, throughput + reported end
end
add('workers', workers)
add('images_per_1000_s', math.floor(throughput * 1000))
return counts
