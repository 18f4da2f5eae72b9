#!lua flags=allow-oom
-- Pauses or resumes a queue. ARGV: queue, '1' to pause. Returns 1 if that changed something.
-- Workers drop the messages of a paused queue; after it is resumed, the recovery sweep publishes them again.
if ARGV[2] == '1' then return redis.call('HSETNX', PAUSED_QUEUES, ARGV[1], clock()) end
return redis.call('HDEL', PAUSED_QUEUES, ARGV[1])
