#!lua flags=allow-oom
-- Counts the jobs of each outbox that wait for a worker or are at one. ARGV: cursor ('0' at first), about how many jobs
-- to look at. Returns the next cursor, '0' after the last, and (outbox, number) pairs.
local counts, pairs_of_counts = {}, {}
local scanned = redis.call('ZSCAN', DEADLINES, ARGV[1], 'COUNT', ARGV[2])
for i = 1, #scanned[2], 2 do
  local fields = get_job(scanned[2][i], 'outbox')
  if fields and (fields[1] == 'ready' or fields[1] == 'claimed') then
    counts[fields[2]] = (counts[fields[2]] or 0) + 1
  end
end
for outbox, count in pairs(counts) do
  pairs_of_counts[#pairs_of_counts + 1] = outbox
  pairs_of_counts[#pairs_of_counts + 1] = count
end
return {scanned[1], pairs_of_counts}
