#!lua flags=allow-oom
-- All that is known of a job, but what its owner noted. ARGV: id. Returns names and values, empty for no job.
local names = {'stage', 'queue', 'outbox', 'holder', 'attempts', 'suspect', 'received_at', 'deadline', 'life',
  'decision', 'contract'}
local values, known = redis.call('HMGET', job_key(ARGV[1]), unpack(names)), {}
if not values[1] then return known end
for i, name in ipairs(names) do known[2 * i - 1] = name; known[2 * i] = values[i] or '' end
return known
