-- Admits a photo if its user has allowance left (a token bucket, and a number of photos a day) and has given consent.
-- KEYS: user, allowance, jobs of the user, photos that wait for consent, photos about which the user gets a notice,
-- status updates; for a photo of an album also the jobs of the album.
-- ARGV: job id, origin of the photo, language of Telegram's setting, burst, photos a minute, photos a day, seconds to
-- remember the user, seconds to keep a photo that waits for consent, target of the status message, chat, message,
-- reason to reject the photo in any case or '', seconds for which the ledger may know a job.
-- Returns {admission, language, time in ms at which the burst of such photos began if this is its first, else 0, ms
-- until a photo is admitted again if that is known, else 0}.
-- The admission is admitted, no-consent, too-fast, daily-limit or the given reason. A photo that was admitted or that
-- waits for consent costs nothing when it is repeated. A photo that waits has used its allowance already, so it is
-- admitted after consent.
local user, allowance, jobs, pending, unanswered = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local status_updates, album = KEYS[6], KEYS[7]
local job_id, origin, language = ARGV[1], ARGV[2], ARGV[3]
local burst, per_minute, per_day = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local remembered_s, pending_s, status_target = ARGV[7], ARGV[8], ARGV[9]
local chat, message, reason, job_kept_s = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
local now_ms = clock()
local now = now_ms / 1000
local fields = redis.call('HMGET', user, 'language', 'consent')
language = fields[1] or language
local has_consented = fields[2]
if redis.call('ZSCORE', jobs, job_id) then return {'admitted', language, 0, 0} end

local function reject(admission, wait_s)
  return {admission, language, note(unanswered, chat, admission, message, now_ms), math.ceil((wait_s or 0) * 1000)}
end

local function admit()
  redis.call('ZADD', jobs, now, job_id)
  redis.call('ZREMRANGEBYSCORE', jobs, '-inf', now - job_kept_s)
  -- The first status update is due after two seconds. An album is complete once no photo came for two seconds.
  redis.call('ZADD', status_updates, now + 2, status_target)
  if album then
    redis.call('SADD', album, job_id)
    redis.call('EXPIRE', album, 86400)
  end
  redis.call('EXPIRE', user, remembered_s)
  redis.call('EXPIRE', jobs, remembered_s)
  return {'admitted', language, 0, 0}
end

if redis.call('HEXISTS', pending, job_id) == 1 then
  if has_consented then return admit() end
  return reject('no-consent')
end
if reason ~= '' then return reject(reason) end

local paid = redis.call('HMGET', allowance, 'tokens', 'refilled_at', 'day', 'used_today')
local today = tostring(math.floor(now / 86400))
local used_today = paid[3] == today and tonumber(paid[4]) or 0
local refilled_at = tonumber(paid[2]) or now
local tokens = math.min(burst, (tonumber(paid[1]) or burst) + (now - refilled_at) * per_minute / 60)
if used_today >= per_day then return reject('daily-limit', 86400 - now % 86400) end
if tokens < 1 then return reject('too-fast', (1 - tokens) * 60 / per_minute) end
redis.call('HSET', allowance, 'tokens', tokens - 1, 'refilled_at', now, 'day', today, 'used_today', used_today + 1)
-- Until the day ends, and until the bucket is full again.
local kept_s = math.max(86400 - now % 86400, burst * 60 / per_minute)
redis.call('EXPIRE', allowance, math.ceil(kept_s) + 1)
if has_consented then return admit() end
redis.call('HSET', pending, job_id, origin)
redis.call('EXPIRE', pending, pending_s)
return reject('no-consent')
