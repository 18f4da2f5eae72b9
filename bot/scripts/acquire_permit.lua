-- One turn to send, or how long to wait for it. Each limit is a generic cell rate algorithm over the ledger's clock.
-- KEYS: prefix. ARGV: chat, urgency (0 the most), ms that a turn may be reserved ahead, then for each limit: name, ms
-- between turns, ms of burst. A turn ahead is reserved only where all chats together have to wait: whoever gets one
-- need not ask again, and the budget is used without gaps however late the askers wake.
-- Returns {ms to wait, what for}: 'ours' for a turn that is reserved after that wait; else nothing is reserved, and
-- 'chat' or 'all' is the reason.
local prefix, chat, urgency, ahead = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = clock()
local function at(name) return tonumber(redis.call('GET', prefix .. name) or 0) end
local all = at('hold:all')
local held = math.max(at('hold:' .. chat), all) - now
if held > 0 then return {math.ceil(held), all > now and 'all' or 'chat'} end
-- The more urgent are waiting for the budget that all share: what is less urgent lets them pass.
for other = 0, urgency - 1 do
  if at('urgent:' .. other) > now then return {200, 'all'} end
end
local limits, own, shared = {}, 0, 0
for i = 4, #ARGV, 3 do
  local name, each, burst = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local due = at(name)
  local wait = due - now - burst
  if name == 'all' then shared = math.max(shared, wait) else own = math.max(own, wait) end
  limits[name] = {due, each, burst}
end
if own > 0 then return {math.ceil(own), 'chat'} end
if shared > ahead then
  -- It will ask again. Until then nothing less urgent takes what comes free; where turns are reserved, none comes.
  redis.call('SET', prefix .. 'urgent:' .. urgency, now + shared + 500, 'PX', math.ceil(shared) + 500)
  return {math.ceil(shared), 'all'}
end
local moment = now + shared
for name, limit in pairs(limits) do
  local due = math.max(limit[1], moment) + limit[2]
  redis.call('SET', prefix .. name, string.format('%.3f', due), 'PX', math.ceil(due - now + limit[3]) + 1000)
end
return {math.ceil(shared), 'ours'}
