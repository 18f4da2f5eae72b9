#!lua flags=allow-oom
-- Tells a worker to stop. ARGV: incarnation. Returns 1 if it lives.
local left = redis.call('ZSCORE', INCARNATIONS, ARGV[1])
if not left or tonumber(left) <= clock() then return 0 end
redis.call('HSET', PREFIX .. 'told_to_stop', ARGV[1], clock())
return 1
