#!lua flags=allow-oom
-- Stores what a worker serves and returns what an operator asks of it. ARGV: incarnation, what it serves (JSON).
-- Returns the directory of the desired artefact, '' for none, and 1 if a drain was requested.
-- Deletes the status and the drain requests of dead processes.
redis.call('HSET', WORKER_STATUS, ARGV[1], ARGV[2])
for _, key in ipairs({WORKER_STATUS, DRAIN_REQUESTS}) do
  for _, incarnation in ipairs(redis.call('HKEYS', key)) do
    if not redis.call('ZSCORE', INCARNATIONS, incarnation) then redis.call('HDEL', key, incarnation) end
  end
end
return {redis.call('HGET', DESIRED_MODEL, 'desired') or '', redis.call('HEXISTS', DRAIN_REQUESTS, ARGV[1])}
