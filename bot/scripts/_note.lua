-- Notes that a user gets a notice about a photo that was not taken. Put before the scripts that note photos.
-- Returns the time in ms at which the burst of such photos began if this is its first, else 0.
local function note(unanswered, chat, admission, message, now_ms)
  local prefix = chat .. ':' .. admission .. ':'
  -- A notice is sent within an hour or never.
  redis.call('ZREMRANGEBYSCORE', unanswered, '-inf', now_ms - 3600000)
  redis.call('ZADD', unanswered, 'NX', now_ms, prefix .. message)
  redis.call('EXPIRE', unanswered, 3600)
  local members = redis.call('ZRANGE', unanswered, 0, -1, 'WITHSCORES')
  for i = 1, #members, 2 do
    if string.sub(members[i], 1, #prefix) == prefix then
      return members[i] == prefix .. message and tonumber(members[i + 1]) or 0
    end
  end
end
