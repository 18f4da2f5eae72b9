-- Milliseconds of the one clock that all processes share: Redis' own, but for one thing. It never goes back. Where that
-- was set back, the difference is added from then on, or everything that is due would wait until it caught up.
-- Put before every script that asks for the time.
local function clock()
  local time = redis.call('TIME')
  local known = redis.call('MGET', 'melanoma:swept_at', 'melanoma:set_back')
  local back = tonumber(known[2] or 0)
  local now = time[1] * 1000 + math.floor(time[2] / 1000) + back
  -- Somebody sweeps each second. An earlier time than the last sweep's is impossible.
  local last = tonumber(known[1] or 0)
  if now < last then
    redis.call('SET', 'melanoma:set_back', back + last - now)
    now = last
  end
  return now
end
