#!lua flags=allow-oom
-- A decided job whose answer cannot be delivered becomes a dead letter; it stays `decided`, leased to nobody.
-- ARGV: incarnation, reason, ids. Returns how many moved.
local incarnation, reason, now, moved = ARGV[1], ARGV[2], clock(), 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local found = job(id, 'outbox', 'holder')
  if found and found[1] == 'decided' and found[3] == incarnation then
    redis.call('ZREM', decided_key(found[2]), id)
    let_go(id, incarnation)
    redis.call('HSET', job_key(id), 'holder', '', 'undeliverable', reason)
    redis.call('PERSIST', job_key(id))
    redis.call('ZADD', DEAD, now, id)
    moved = moved + 1
  end
end
return moved
