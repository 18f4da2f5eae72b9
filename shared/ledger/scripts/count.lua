#!lua flags=allow-oom
-- How many jobs are where. ARGV: queue names. Returns (name, count) pairs, and for each queue the age in
-- ms of the job that waits longest. `speed` is what the living workers can decide together, in pictures per 1,000 s.
local now, counts = clock(), {}
local function say(name, count) counts[#counts + 1] = name; counts[#counts + 1] = count end
for _, queue in ipairs(ARGV) do
  say('ready:' .. queue, redis.call('ZCARD', ready_key(queue)))
  local first, age = redis.call('ZRANGE', ready_key(queue), 0, 0)[1], 0
  if first then age = now - (redis.call('HGET', job_key(first), 'received_at') or now) end
  say('age:' .. queue, age)
end
say('claimed', redis.call('ZCARD', CLAIMED))
say('dead', redis.call('ZCARD', DEAD))
say('incarnations', redis.call('ZCOUNT', INCARNATIONS, '(' .. now, '+inf'))
local workers, speed = 0, 0
for _, incarnation in ipairs(redis.call('ZRANGEBYSCORE', INCARNATIONS, '(' .. now, '+inf')) do
  local own = redis.call('HGET', SPEEDS, incarnation)
  if own then workers, speed = workers + 1, speed + own end
end
say('workers', workers)
say('speed', math.floor(speed * 1000))
return counts
