#!lua flags=allow-oom
-- Turns decided jobs whose answers cannot be delivered into dead letters. They stay `decided`, but in no outbox.
-- ARGV: incarnation, reason, ids. Returns how many moved.
local incarnation, reason, now, moved = ARGV[1], ARGV[2], clock(), 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local fields = get_job(id, 'holder', 'outbox')
  if fields and fields[1] == 'decided' and fields[2] == incarnation then
    remove_in_flight(id, incarnation)
    redis.call('HSET', job_key(id), 'holder', '', 'undeliverable_reason', reason)
    redis.call('PEXPIRE', job_key(id), DEAD_LETTER_TTL_MS)
    add_dead_letter(id, fields[3], 'undeliverable', now)
    moved = moved + 1
  end
end
return moved
