#!lua flags=allow-oom
-- received -> ready: the images are in the store. ARGV: ids.
-- Returns (queue, id) pairs for which a message is owed, and the ids whose images no job needs: their jobs were deleted,
-- cancelled or answered meanwhile.
local now, pending, unused = clock(), {}, {}
for _, id in ipairs(ARGV) do
  local fields = get_job(id, 'queue', 'outbox', 'holder')
  if not fields or fields[1] == 'cancelled' or fields[1] == 'answered' then
    unused[#unused + 1] = id
  elseif fields[1] == 'received' then
    redis.call('ZREM', received_key(fields[3]), id)
    remove_in_flight(id, fields[4])
    if make_ready(id, fields[2], now) then
      pending[#pending + 1] = fields[2]
      pending[#pending + 1] = id
    end
  end
end
return {pending, unused}
