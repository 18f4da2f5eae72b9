-- One turn to send, or how long to wait for it. Each limit is a generic cell rate algorithm over Redis' clock.
-- KEYS: prefix. ARGV: chat, urgency (0 the most), then for each limit: name, ms between turns, ms of burst.
-- Returns {0, 0} for a turn, else {ms to wait, 1 where the chat itself is the reason, 0 where all chats are}.
local prefix, chat, urgency = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function at(name) return tonumber(redis.call('GET', prefix .. name) or 0) end
local held = math.max(at('hold:' .. chat), at('hold:all')) - now
if held > 0 then return {math.ceil(held), at('hold:all') > now and 0 or 1} end
-- The more urgent are waiting for the budget that all share: what is less urgent lets them pass.
for other = 0, urgency - 1 do
  if at('urgent:' .. other) > now then return {200, 0} end
end
local next, wait, mine = {}, 0, 0
for i = 3, #ARGV, 3 do
  local name, each, burst = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local due = math.max(at(name), now)
  if due - now > burst and due - now - burst > wait then
    wait, mine = due - now - burst, name ~= 'all' and 1 or 0
  end
  next[name] = {due + each, math.ceil(due + each - now + burst) + 1000}
end
if wait > 0 then
  if mine == 0 then redis.call('SET', prefix .. 'urgent:' .. urgency, now + 500, 'PX', 500) end
  return {math.ceil(wait), mine}
end
for name, values in pairs(next) do redis.call('SET', prefix .. name, string.format('%.3f', values[1]), 'PX', values[2]) end
return {0, 0}
