#!lua flags=allow-oom
-- Ends leases of received or decided jobs without success. ARGV: incarnation, ms until the jobs are due again, ids.
local incarnation, due = ARGV[1], clock() + tonumber(ARGV[2])
for i = 3, #ARGV do
  local id = ARGV[i]
  local fields = get_job(id, 'outbox', 'holder')
  if fields and fields[3] == incarnation and (fields[1] == 'received' or fields[1] == 'decided') then
    remove_in_flight(id, incarnation)
    redis.call('HSET', job_key(id), 'holder', '')
    if fields[1] == 'decided' then
      offer_decided(id, fields[2], due)
    else
      redis.call('ZADD', received_key(fields[2]), due, id)
    end
  end
end
return 0
