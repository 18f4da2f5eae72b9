-- Admits a photo if its user gave consent and has allowance left: a token bucket, and a number of photos a day.
-- KEYS: user, jobs of the user, photos that wait for consent, status updates; for a photo of an album also the jobs of
-- the album.
-- ARGV: job id, origin of the photo, language of Telegram's setting, burst, photos a minute, photos a day, seconds to
-- remember the user, seconds to keep a photo that waits for consent, target of the status message.
-- Returns {admission, language, seconds until the next photo is admitted}. The admission is admitted, no-consent,
-- too-fast, too-fast-repeated, daily-limit or daily-limit-repeated. A photo that was admitted before is admitted again
-- and costs nothing.
local user, jobs, pending, status_updates, album = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local job_id, origin, language = ARGV[1], ARGV[2], ARGV[3]
local burst, per_minute, per_day = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local remembered_s, pending_s, status_target = ARGV[7], ARGV[8], ARGV[9]
local now = clock() / 1000
local fields = redis.call('HMGET', user, 'language', 'consent', 'tokens', 'refilled_at', 'day', 'used_today',
  'last_rejection')
language = fields[1] or language
local has_consented, last_rejection = fields[2], fields[7]
if not has_consented then
  redis.call('HSET', pending, job_id, origin)
  redis.call('EXPIRE', pending, pending_s)
  return {'no-consent', language, 0}
end
if redis.call('SISMEMBER', jobs, job_id) == 1 then return {'admitted', language, 0} end
local today = tostring(math.floor(now / 86400))
local used_today = fields[5] == today and tonumber(fields[6]) or 0
local refilled_at = tonumber(fields[4]) or now
local tokens = math.min(burst, (tonumber(fields[3]) or burst) + (now - refilled_at) * per_minute / 60)
local admission, wait_s = 'admitted', 0
if used_today >= per_day then
  admission, wait_s = 'daily-limit', 86400 - now % 86400
elseif tokens < 1 then
  admission, wait_s = 'too-fast', (1 - tokens) * 60 / per_minute
end
if admission == 'admitted' then
  redis.call('HSET', user, 'tokens', tokens - 1, 'refilled_at', now, 'day', today, 'used_today', used_today + 1,
    'last_rejection', '')
  redis.call('SADD', jobs, job_id)
  -- The first status update is due after two seconds. An album is complete once no photo came for two seconds.
  redis.call('ZADD', status_updates, now + 2, status_target)
  if album then
    redis.call('SADD', album, job_id)
    redis.call('EXPIRE', album, 86400)
  end
elseif last_rejection == admission then
  -- The user gets one message about it.
  admission = admission .. '-repeated'
else
  redis.call('HSET', user, 'last_rejection', admission)
end
redis.call('EXPIRE', user, remembered_s)
redis.call('EXPIRE', jobs, remembered_s)
return {admission, language, math.ceil(wait_s)}
