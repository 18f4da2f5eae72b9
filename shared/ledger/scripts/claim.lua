#!lua flags=allow-oom
-- ready -> claimed. ARGV: incarnation, (token, id) pairs. A job that is not `ready` is left out, unless this very
-- token already claimed it: then the first reply was lost and is given again. Jobs of a paused queue stay.
-- Returns for each pair false, or: id, contract, queue, suspect, attempts, ms to its deadline, ms since it was
-- received, ms since its bell was rung.
local incarnation, now, replies = ARGV[1], clock(), {}
local paused = {}
for _, queue in ipairs(redis.call('HKEYS', PAUSED)) do paused[queue] = true end
for i = 2, #ARGV, 2 do
  local token, id, reply = ARGV[i], ARGV[i + 1], false
  local found = job(id, 'token', 'queue', 'contract', 'suspect', 'attempts', 'deadline', 'received_at', 'rung_at')
  if found then
    local stage, queue, attempts = found[1], found[3], tonumber(found[6])
    local mine = stage == 'claimed' and found[2] == token
    if stage == 'ready' and not paused[queue] then
      local ring = tonumber(redis.call('ZSCORE', ready_key(queue), id) or 0)
      local passed = PREFIX .. 'passed:' .. queue
      if ring > tonumber(redis.call('GET', passed) or 0) then redis.call('SET', passed, ring) end
      attempts = attempts + 1
      redis.call('ZREM', ready_key(queue), id)
      redis.call('ZADD', CLAIMED, now, id)
      redis.call('SADD', held_key(incarnation), id)
      redis.call('HSET', job_key(id), 'stage', 'claimed', 'holder', incarnation, 'token', token,
        'attempts', attempts)
      note(id, 'claimed@' .. incarnation, now)
      mine = true
    end
    if mine then
      reply = {id, found[4], queue, found[5], attempts, found[7] - now, now - found[8], now - (found[9] or now)}
    end
  end
  replies[#replies + 1] = reply
end
return replies
