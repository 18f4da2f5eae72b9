#!lua flags=allow-oom
-- Nothing of these jobs stays, whatever stage they are in. ARGV: ids. Returns how many there were.
local gone = 0
for _, id in ipairs(ARGV) do
  local found = job(id, 'queue', 'outbox', 'holder')
  if found then
    leave_stage(id, found[1], found[2], found[3])
    let_go(id, found[4])
    redis.call('ZREM', DEADLINES, id)
    redis.call('ZREM', DEAD, id)
    gone = gone + redis.call('DEL', job_key(id))
  end
end
return gone
