#!lua flags=allow-oom
-- Reads or leases the jobs of an outbox that are due.
-- ARGV: 'received' or 'decided', outbox, maximum number, incarnation or '', token.
-- With an incarnation the jobs are leased to it: they leave the set until the process moves them on, ends the lease or
-- dies. The same token again gets the same jobs: then the first reply was lost, and no other reader would see them.
-- Without an incarnation the jobs are only read.
-- Returns id, language, payload, decision, received_at, decided_at, attempts for each.
local stage, outbox, limit, incarnation, token, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], clock()
local set = stage == 'received' and received_key(outbox) or decided_key(outbox)
local last_lease, field = last_lease_key(incarnation), stage .. ':' .. outbox
local repeated_ids = nil
if incarnation ~= '' then
  local last = redis.call('HGET', last_lease, field)
  if last and string.sub(last, 1, #token) == token then
    repeated_ids = {}
    for id in string.gmatch(string.sub(last, #token + 1), '%S+') do repeated_ids[#repeated_ids + 1] = id end
  end
end
local rows, leased = {}, {}
for _, id in ipairs(repeated_ids or redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, limit)) do
  local fields = get_job(id, 'language', 'payload', 'decision', 'received_at', 'decided_at', 'attempts', 'holder')
  local is_due = fields and fields[1] == stage and (not repeated_ids or fields[8] == incarnation)
  if is_due then
    if incarnation ~= '' then
      redis.call('ZREM', set, id)
      add_in_flight(id, incarnation, now)
      redis.call('HSET', job_key(id), 'holder', incarnation)
      leased[#leased + 1] = id
    end
    rows[#rows + 1] = {id, fields[2], fields[3], fields[4] or '', fields[5], fields[6] or '0', fields[7]}
  elseif not repeated_ids then
    redis.call('ZREM', set, id)
  end
end
if #leased > 0 then
  redis.call('HSET', last_lease, field, token .. ' ' .. table.concat(leased, ' '))
  redis.call('PEXPIRE', last_lease, REPEATABLE_MS)
end
return rows
