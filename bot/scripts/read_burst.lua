-- Reads a burst of photos about which a user gets one notice. Changes nothing.
-- KEYS: photos about which the user gets a notice. ARGV: prefix of the burst, `chat:reason:`.
-- Returns ms since its first photo, ms since its last one, then the message ids in order; only {0, 0} if there is none.
local unanswered, prefix, now = KEYS[1], ARGV[1], clock()
local reply, members = {0, 0}, redis.call('ZRANGE', unanswered, 0, -1, 'WITHSCORES')
for i = 1, #members, 2 do
  if string.sub(members[i], 1, #prefix) == prefix then
    local age = now - members[i + 1]
    if #reply == 2 then reply[1] = age end
    reply[2] = age
    reply[#reply + 1] = tonumber(string.sub(members[i], #prefix + 1))
  end
end
return reply
