#!lua flags=allow-oom
-- A lease of a received or decided job ends without success. ARGV: incarnation, ms until it is due, ids.
local incarnation, due = ARGV[1], clock() + tonumber(ARGV[2])
for i = 3, #ARGV do
  local id = ARGV[i]
  local found = job(id, 'outbox', 'holder')
  if found and found[3] == incarnation and (found[1] == 'received' or found[1] == 'decided') then
    let_go(id, incarnation)
    redis.call('HSET', job_key(id), 'holder', '')
    redis.call('ZADD', found[1] == 'received' and received_key(found[2]) or decided_key(found[2]), due, id)
  end
end
return 0
