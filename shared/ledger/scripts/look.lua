-- Who is due in an outbox. ARGV: 'received' or 'decided', outbox, how many, incarnation or ''.
-- With an incarnation the jobs are leased to it: out of the set until it moves them on, gives them back, or
-- dies. Without one they are only read. Returns id, language, reference, decision, received_at,
-- decided_at, attempts for each.
local stage, outbox, limit, incarnation, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], clock()
local set = stage == 'received' and received_key(outbox) or decided_key(outbox)
local rows = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, limit)) do
  local found = job(id, 'language', 'reference', 'decision', 'received_at', 'decided_at', 'attempts')
  if not found or found[1] ~= stage then
    redis.call('ZREM', set, id)
  else
    if incarnation ~= '' then
      redis.call('ZREM', set, id)
      redis.call('SADD', held_key(incarnation), id)
      redis.call('HSET', job_key(id), 'holder', incarnation)
    end
    rows[#rows + 1] = {id, found[2], found[3], found[4] or '', found[5], found[6] or '0', found[7]}
  end
end
return rows
