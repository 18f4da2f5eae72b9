#!lua flags=allow-oom
-- Reads what users may be told of jobs in any stage; changes nothing. ARGV: ids.
-- Returns for each false if there is no such job, or: stage, language, payload, decision, received_at, queue position
-- (the number of jobs before it in its queue, -1 if it is not ready).
local rows = {}
for _, id in ipairs(ARGV) do
  local row, fields = false, get_job(id, 'queue', 'language', 'payload', 'decision', 'received_at')
  if fields then
    local position = redis.call('ZRANK', ready_key(fields[2]), id)
    row = {fields[1], fields[3], fields[4] or '', fields[5] or '', fields[6], position or -1}
  end
  rows[#rows + 1] = row
end
return rows
