#!lua flags=allow-oom
-- Returns names and values of the fields of a job that operators may see; nothing for an unknown job. ARGV: id.
local names = {'stage', 'queue', 'outbox', 'holder', 'attempts', 'suspect', 'received_at', 'deadline', 'history',
  'decision', 'contract'}
local values, reply = redis.call('HMGET', job_key(ARGV[1]), unpack(names)), {}
if not values[1] then return reply end
for i, name in ipairs(names) do reply[2 * i - 1] = name; reply[2 * i] = values[i] or '' end
return reply
