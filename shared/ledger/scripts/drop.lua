#!lua flags=allow-oom
-- Dead letters nobody needs any more. ARGV: ids. Returns how many there were.
-- Of one whose owner has not fetched it yet only the mark goes.
local dropped = 0
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', DEAD, id) == 1 then
    dropped = dropped + 1
    local stage = redis.call('HGET', job_key(id), 'stage')
    if stage == 'decided' then redis.call('PEXPIRE', job_key(id), UNFETCHED) else redis.call('DEL', job_key(id)) end
  end
end
return dropped
