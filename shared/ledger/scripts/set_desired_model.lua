#!lua flags=allow-oom
-- Sets the artefact that all workers are to serve.
-- ARGV: its directory, or '' for the previous one; the artefact that workers serve if none was ever set; token.
-- If the same token made the last change, its reply was lost and is repeated.
-- Returns the desired directory and the previous one; '' for none.
local stored = redis.call('HMGET', DESIRED_MODEL, 'desired', 'previous', 'token')
local current, previous = stored[1] or ARGV[2], stored[2] or ''
local desired = ARGV[1] == '' and previous or ARGV[1]
if stored[3] == ARGV[3] then return {current, previous} end
if desired == '' or desired == current then return {desired, previous} end
redis.call('HSET', DESIRED_MODEL, 'desired', desired, 'previous', current, 'token', ARGV[3])
return {desired, current}
