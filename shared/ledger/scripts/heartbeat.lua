#!lua flags=allow-oom
-- Renews the lease of a process and stores its throughput.
-- ARGV: incarnation, lease in ms, images a second (0 for a process that decides nothing).
redis.call('ZADD', INCARNATIONS, clock() + tonumber(ARGV[2]), ARGV[1])
if tonumber(ARGV[3]) > 0 then redis.call('HSET', THROUGHPUTS, ARGV[1], ARGV[3]) end
return 0
