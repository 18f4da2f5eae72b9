#!lua flags=allow-oom
-- Returns the version of this ledger. The first process sets it. ARGV: the caller's version.
local key = PREFIX .. 'version'
local version = redis.call('GET', key)
if version then return tonumber(version) end
-- Version 1 wrote no version, but each of its processes swept.
if redis.call('EXISTS', PREFIX .. 'swept_at') == 1 then return 1 end
redis.call('SET', key, ARGV[1])
return tonumber(ARGV[1])
