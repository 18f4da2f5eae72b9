#!lua flags=allow-oom
-- Asks a worker to drain and exit. ARGV: incarnation. Returns 1 if it is alive.
local lease_end = redis.call('ZSCORE', INCARNATIONS, ARGV[1])
if not lease_end or tonumber(lease_end) <= clock() then return 0 end
redis.call('HSET', DRAIN_REQUESTS, ARGV[1], clock())
return 1
