#!lua flags=allow-oom
-- Pauses a queue, or lets it go on. ARGV: queue, '1' to pause. Returns 1 if that changed something.
-- Messages that came for its jobs meanwhile are spent: the sweep rings again.
if ARGV[2] == '1' then return redis.call('HSETNX', PAUSED, ARGV[1], clock()) end
return redis.call('HDEL', PAUSED, ARGV[1])
