#!lua flags=allow-oom
-- What a person may be told of jobs, whatever stage they are in; nothing moves. ARGV: ids.
-- Returns for each false where there is no such job, or: stage, language, reference, decision, received_at, place
-- (how many wait before it in its queue, -1 where it does not wait there).
local rows = {}
for _, id in ipairs(ARGV) do
  local row, found = false, job(id, 'queue', 'language', 'reference', 'decision', 'received_at')
  if found then
    local place = redis.call('ZRANK', ready_key(found[2]), id)
    row = {found[1], found[3], found[4] or '', found[5] or '', found[6], place or -1}
  end
  rows[#rows + 1] = row
end
return rows
