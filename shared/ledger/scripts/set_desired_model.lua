#!lua flags=allow-oom
-- Sets the artefact that all workers are to serve.
-- ARGV: its directory, or '' for the previous one; the artefact that workers serve if none was ever set.
-- Returns the desired directory and the previous one; '' for none.
local desired, default = ARGV[1], ARGV[2]
local current = redis.call('HGET', DESIRED_MODEL, 'desired') or default
if desired == '' then desired = redis.call('HGET', DESIRED_MODEL, 'previous') or '' end
if desired ~= '' and desired ~= current then
  redis.call('HSET', DESIRED_MODEL, 'desired', desired, 'previous', current)
  return {desired, current}
end
return {desired, redis.call('HGET', DESIRED_MODEL, 'previous') or ''}
