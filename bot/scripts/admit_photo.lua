-- Whether a photograph may be worked on: consent, the allowance of its sender, or one that is known already.
-- KEYS: person, jobs, before_consent, progress, album. ARGV: job id, reference, language of Telegram's setting, burst, photographs a
-- minute, photographs a day, seconds to remember the person, seconds to keep what comes before
-- consent, name under which the wait is told (the job id, or that of its album).
-- Returns {what, language, seconds until there is room}; `what` is open, consent, slow, slow-told, day or day-told.
local person, jobs, before = KEYS[1], KEYS[2], KEYS[3]
local id, reference, language = ARGV[1], ARGV[2], ARGV[3]
local burst, per_minute, per_day = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local now = clock() / 1000
local found = redis.call('HMGET', person, 'language', 'consent', 'tokens', 'at', 'day', 'used', 'told')
language = found[1] or language
if not found[2] then
  redis.call('HSET', before, id, reference)
  redis.call('EXPIRE', before, ARGV[8])
  return {'consent', language, 0}
end
if redis.call('SISMEMBER', jobs, id) == 1 then return {'open', language, 0} end
local today = tostring(math.floor(now / 86400))
local used = found[5] == today and tonumber(found[6]) or 0
local tokens = math.min(burst, (tonumber(found[3]) or burst) + (now - (tonumber(found[4]) or now)) * per_minute / 60)
local what, wait = 'open', 0
if used >= per_day then what, wait = 'day', 86400 - now % 86400
elseif tokens < 1 then what, wait = 'slow', (1 - tokens) * 60 / per_minute end
if what == 'open' then
  redis.call('HSET', person, 'tokens', tokens - 1, 'at', now, 'day', today, 'used', used + 1, 'told', '')
  redis.call('SADD', jobs, id)
  -- Word of the wait is due after two seconds; an album is complete after two seconds of quiet.
  redis.call('ZADD', KEYS[4], now + 2, ARGV[9])
  if ARGV[9] ~= id then
    redis.call('SADD', KEYS[5], id)
    redis.call('EXPIRE', KEYS[5], 86400)
  end
elseif found[7] == what then
  what = what .. '-told'
else
  redis.call('HSET', person, 'told', what)
end
redis.call('EXPIRE', person, ARGV[7])
redis.call('EXPIRE', jobs, ARGV[7])
return {what, language, math.ceil(wait)}
