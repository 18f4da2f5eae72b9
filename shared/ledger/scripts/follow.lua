#!lua flags=allow-oom
-- A worker says what it serves and asks what it should do. ARGV: incarnation, what it serves (JSON).
-- Returns the directory of the wanted artefact, '' where nobody asked for one, and 1 if it was told to stop.
-- Forgets processes that are gone.
local serving, told_to_stop = PREFIX .. 'serving', PREFIX .. 'told_to_stop'
redis.call('HSET', serving, ARGV[1], ARGV[2])
for _, about in ipairs({serving, told_to_stop}) do
  for _, incarnation in ipairs(redis.call('HKEYS', about)) do
    if not redis.call('ZSCORE', INCARNATIONS, incarnation) then redis.call('HDEL', about, incarnation) end
  end
end
return {redis.call('HGET', PREFIX .. 'artefact', 'wanted') or '', redis.call('HEXISTS', told_to_stop, ARGV[1])}
