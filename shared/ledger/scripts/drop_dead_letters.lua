#!lua flags=allow-oom
-- Deletes dead letters. ARGV: ids. Returns how many there were.
-- A dead letter that its owner has not fetched yet is no longer one, but stays until it is fetched.
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
