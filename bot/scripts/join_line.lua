-- Puts an outgoing message at the end of its line, unless it waits there.
-- KEYS: line. ARGV: id, digest of its content, seconds to keep the line, '1' to ignore equal messages.
-- Returns the id of a message of equal content that waits in the line; then nothing was added. Otherwise ''.
local line, id, digest = KEYS[1], ARGV[1], ARGV[2]
local last = 0
local members = redis.call('ZRANGE', line, 0, -1, 'WITHSCORES')
for i = 1, #members, 2 do
  local other, other_digest = string.match(members[i], '^(.*):(.*)$')
  if other == id then return '' end
  if other_digest == digest and ARGV[4] ~= '1' then return other end
  last = tonumber(members[i + 1])
end
redis.call('ZADD', line, last + 1, id .. ':' .. digest)
redis.call('EXPIRE', line, ARGV[3])
return ''
