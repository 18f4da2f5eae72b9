-- Grants a permit to send, or says how long to wait. Each limit is a generic cell rate algorithm (GCRA) over the
-- ledger's clock: its key holds the theoretical arrival time (TAT), the time of the next permit without a burst.
-- KEYS: prefix of the keys. ARGV: chat, priority (0 is the highest), ms that a permit may be reserved ahead, then for
-- each limit: name, ms between two permits, ms of burst.
-- A permit is reserved ahead only while the limit of all chats is used up. The caller then need not ask again, and the
-- budget is used without gaps, however late the callers wake.
-- Returns {ms to wait, result}. The result is 'granted' for a permit that is valid after the wait. Otherwise nothing is
-- reserved, and the result is the reason: 'chat' or 'all'.
local prefix, chat, priority, max_ahead = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = clock()
local function get_time(name) return tonumber(redis.call('GET', prefix .. name) or 0) end
local all_blocked_until = get_time('blocked:all')
local blocked = math.max(get_time('blocked:' .. chat), all_blocked_until) - now
if blocked > 0 then return {math.ceil(blocked), all_blocked_until > now and 'all' or 'chat'} end
-- While a higher priority waits for the shared budget, a lower one gets no permit.
for higher = 0, priority - 1 do
  if get_time('waiting:' .. higher) > now then return {200, 'all'} end
end
local limits, chat_wait, shared_wait = {}, 0, 0
for i = 4, #ARGV, 3 do
  local name, interval, burst = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local arrival = get_time(name)
  local wait = arrival - now - burst
  if name == 'all' then shared_wait = math.max(shared_wait, wait) else chat_wait = math.max(chat_wait, wait) end
  limits[name] = {arrival = arrival, interval = interval, burst = burst}
end
if chat_wait > 0 then return {math.ceil(chat_wait), 'chat'} end
if shared_wait > max_ahead then
  -- The caller will ask again. Until then no lower priority may take a permit that becomes free. A caller with a
  -- reserved permit needs no such protection.
  redis.call('SET', prefix .. 'waiting:' .. priority, now + shared_wait + 500, 'PX', math.ceil(shared_wait) + 500)
  return {math.ceil(shared_wait), 'all'}
end
local permit_at = now + shared_wait
for name, limit in pairs(limits) do
  local arrival = math.max(limit.arrival, permit_at) + limit.interval
  local ttl = math.ceil(arrival - now + limit.burst) + 1000
  redis.call('SET', prefix .. name, string.format('%.3f', arrival), 'PX', ttl)
end
return {math.ceil(shared_wait), 'granted'}
