#!lua flags=allow-oom
-- Reads ids of the jobs of an outbox. ARGV: outbox, cursor ('0' at first), about how many jobs to look at.
-- The undecided jobs of all outboxes are scanned, so an answer may have no ids though there are more.
-- Returns the next cursor, '0' after the last, and ids: of undecided jobs, and of decided ones that are not delivered.
local outbox, cursor, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local ids = redis.call('ZRANGE', decided_key(outbox), 0, limit - 1)
local scanned = redis.call('ZSCAN', DEADLINES, cursor, 'COUNT', limit)
for i = 1, #scanned[2], 2 do
  local fields = get_job(scanned[2][i], 'outbox')
  if fields and fields[2] == outbox then ids[#ids + 1] = scanned[2][i] end
end
return {scanned[1], ids}
