-- Takes a token of a user's bucket for commands or presses. The bucket holds `burst` tokens and gets as many a minute.
-- KEYS: allowance. ARGV: name of the bucket, burst.
-- Returns {1, 0, 0} if there was a token; otherwise 0, ms until there is one, and 1 if the request before it had one.
local allowance, bucket, burst, now = KEYS[1], ARGV[1], tonumber(ARGV[2]), clock()
local fields = redis.call('HMGET', allowance, bucket, bucket .. '_refilled_at', bucket .. '_denied')
local rate = burst / 60000
local tokens = math.min(burst, (tonumber(fields[1]) or burst) + (now - (tonumber(fields[2]) or now)) * rate)
if tokens < 1 then
  redis.call('HSET', allowance, bucket .. '_denied', 1)
  return {0, math.ceil((1 - tokens) / rate), fields[3] == '1' and 0 or 1}
end
redis.call('HSET', allowance, bucket, tokens - 1, bucket .. '_refilled_at', now, bucket .. '_denied', 0)
if redis.call('TTL', allowance) < 60 then redis.call('EXPIRE', allowance, 60) end
return {1, 0, 0}
