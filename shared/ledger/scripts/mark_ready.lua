#!lua
-- received -> ready: the images are in the store. ARGV: ids.
-- Returns (queue, id) pairs that await a message.
local now, pending = clock(), {}
for _, id in ipairs(ARGV) do
  local fields = get_job(id, 'queue', 'outbox', 'holder')
  if fields and fields[1] == 'received' then
    redis.call('ZREM', received_key(fields[3]), id)
    remove_in_flight(id, fields[4])
    make_ready(id, fields[2], now)
    pending[#pending + 1] = fields[2]
    pending[#pending + 1] = id
  end
end
return pending
