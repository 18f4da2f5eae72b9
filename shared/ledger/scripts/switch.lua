#!lua flags=allow-oom
-- The artefact that all workers are to serve. ARGV: its directory or '' for the one before, and what is served where
-- nobody ever switched. Returns the wanted one and the one before it; '' for none.
local key, wanted, first = PREFIX .. 'artefact', ARGV[1], ARGV[2]
local current = redis.call('HGET', key, 'wanted') or first
if wanted == '' then wanted = redis.call('HGET', key, 'before') or '' end
if wanted ~= '' and wanted ~= current then
  redis.call('HSET', key, 'wanted', wanted, 'before', current)
  return {wanted, current}
end
return {wanted, redis.call('HGET', key, 'before') or ''}
