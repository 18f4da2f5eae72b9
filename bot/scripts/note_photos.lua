-- Notes that a user gets a notice about photos that were not taken.
-- KEYS: photos about which the user gets a notice. ARGV: chat, admission, messages.
-- Returns the time in ms at which the burst of such photos began if these are its first, else 0.
local unanswered, chat, admission, now_ms = KEYS[1], ARGV[1], ARGV[2], clock()
local began = 0
for i = 3, #ARGV do
  began = math.max(began, note(unanswered, chat, admission, ARGV[i], now_ms))
end
return began
