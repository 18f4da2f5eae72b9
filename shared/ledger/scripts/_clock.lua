-- The clock that all processes share, in ms: Redis' clock, except that it never goes back. If Redis' clock is set back,
-- the difference is added from then on. Otherwise jobs that are due would wait until Redis' clock caught up.
-- This text is put before every script of the ledger and of the bot.
local function clock()
  local time = redis.call('TIME')
  local stored = redis.call('MGET', 'melanoma:last_sweep_at', 'melanoma:clock_offset')
  local offset = tonumber(stored[2] or 0)
  local now = time[1] * 1000 + math.floor(time[2] / 1000) + offset
  -- Some process sweeps each second. A time before the last sweep is impossible.
  local last_sweep = tonumber(stored[1] or 0)
  if now < last_sweep then
    redis.call('SET', 'melanoma:clock_offset', offset + last_sweep - now)
    now = last_sweep
  end
  return now
end
