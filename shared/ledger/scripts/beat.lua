#!lua flags=allow-oom
-- An incarnation says that it lives, and how many pictures a second it can decide (0: none).
-- ARGV: incarnation, lease in ms, pictures a second.
redis.call('ZADD', INCARNATIONS, clock() + tonumber(ARGV[2]), ARGV[1])
if tonumber(ARGV[3]) > 0 then redis.call('HSET', SPEEDS, ARGV[1], ARGV[3]) end
return 0
