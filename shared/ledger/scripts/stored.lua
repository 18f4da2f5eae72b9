#!lua
-- received -> ready: the pictures lie in the store. ARGV: ids.
-- Returns (queue, id) pairs that are owed a message.
local now, owed = clock(), {}
for _, id in ipairs(ARGV) do
  local found = job(id, 'queue', 'outbox', 'holder')
  if found and found[1] == 'received' then
    redis.call('ZREM', received_key(found[3]), id)
    let_go(id, found[4])
    make_ready(id, found[2], now)
    owed[#owed + 1] = found[2]
    owed[#owed + 1] = id
  end
end
return owed
