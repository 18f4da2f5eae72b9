#!lua flags=allow-oom
-- Drops dead letters. ARGV: ids. Returns how many there were, then the ids of the jobs that were deleted.
-- A `decided` job that is still to be delivered is kept and expires if it is not: it is only no longer a dead letter.
local reply = {0}
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', DEAD_LETTERS, id) == 1 then
    reply[1] = reply[1] + 1
    local fields = get_job(id, 'undeliverable_reason')
    if fields and fields[1] == 'decided' and not fields[2] then
      redis.call('PEXPIRE', job_key(id), UNFETCHED_TTL_MS)
    else
      redis.call('DEL', job_key(id))
      reply[#reply + 1] = id
    end
  end
end
return reply
