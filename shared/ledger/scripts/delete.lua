#!lua flags=allow-oom
-- Deletes jobs in any stage without a trace. ARGV: ids. Returns how many there were.
local deleted = 0
for _, id in ipairs(ARGV) do
  local fields = get_job(id, 'queue', 'outbox', 'holder')
  if fields then
    leave_stage(id, fields[1], fields[2], fields[3])
    remove_in_flight(id, fields[4])
    redis.call('ZREM', DEADLINES, id)
    redis.call('ZREM', DEAD_LETTERS, id)
    deleted = deleted + redis.call('DEL', job_key(id))
  end
end
return deleted
