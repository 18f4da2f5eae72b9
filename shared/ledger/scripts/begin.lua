#!lua flags=allow-oom
-- The worker begins with claimed jobs that waited in it: from now on its death makes them suspect.
-- ARGV: incarnation, ids.
local incarnation = ARGV[1]
for i = 2, #ARGV do
  local fields = get_job(ARGV[i], 'holder')
  if fields and fields[1] == 'claimed' and fields[2] == incarnation then
    redis.call('HSET', job_key(ARGV[i]), 'begun', 1)
  end
end
return true
