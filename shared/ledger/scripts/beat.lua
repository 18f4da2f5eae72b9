-- An incarnation says that it lives. ARGV: incarnation, lease in ms.
redis.call('ZADD', INCARNATIONS, clock() + tonumber(ARGV[2]), ARGV[1])
return 0
