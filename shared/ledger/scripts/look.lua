#!lua flags=allow-oom
-- Who is due in an outbox. ARGV: 'received' or 'decided', outbox, how many, incarnation or '', token.
-- With an incarnation the jobs are leased to it: out of the set until it moves them on, gives them back, or
-- dies. The same token again gets the same jobs: then the first reply was lost, and nobody else would look for them.
-- Without an incarnation they are only read. Returns id, language, reference, decision, received_at, decided_at,
-- attempts for each.
local stage, outbox, limit, incarnation, token, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], clock()
local set = stage == 'received' and received_key(outbox) or decided_key(outbox)
local taken, place = taken_key(incarnation), stage .. ':' .. outbox
local ids, again = nil, false
if incarnation ~= '' then
  local last = redis.call('HGET', taken, place)
  again = last and string.sub(last, 1, #token) == token
  if again then
    ids = {}
    for id in string.gmatch(string.sub(last, #token + 1), '%S+') do ids[#ids + 1] = id end
  end
end
local rows, leased = {}, {}
for _, id in ipairs(ids or redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, limit)) do
  local found = job(id, 'language', 'reference', 'decision', 'received_at', 'decided_at', 'attempts', 'holder')
  local there = found and found[1] == stage and (not again or found[8] == incarnation)
  if there then
    if incarnation ~= '' then
      redis.call('ZREM', set, id)
      redis.call('SADD', held_key(incarnation), id)
      redis.call('HSET', job_key(id), 'holder', incarnation)
      leased[#leased + 1] = id
    end
    rows[#rows + 1] = {id, found[2], found[3], found[4] or '', found[5], found[6] or '0', found[7]}
  elseif not again then
    redis.call('ZREM', set, id)
  end
end
if #leased > 0 then
  redis.call('HSET', taken, place, token .. ' ' .. table.concat(leased, ' '))
  redis.call('PEXPIRE', taken, REPEATED)
end
return rows
