#!lua flags=allow-oom
-- Deletes dead letters. ARGV: ids. Returns how many there were.
-- A `decided` job is kept for its outbox and expires if it is not delivered: it is only no longer a dead letter.
local dropped = 0
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', DEAD_LETTERS, id) == 1 then
    dropped = dropped + 1
    local stage = redis.call('HGET', job_key(id), 'stage')
    if stage == 'decided' then
      redis.call('PEXPIRE', job_key(id), UNFETCHED_TTL_MS)
    else
      redis.call('DEL', job_key(id))
    end
  end
end
return dropped
