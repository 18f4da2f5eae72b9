-- Blocks sending to a chat, or to all chats if Telegram limited several chats within a second.
-- KEYS: prefix of the keys. ARGV: chat, ms to block, how many limited chats mean that the limit of all chats is
-- exceeded.
local prefix, chat, block_ms, min_limited_chats = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local limited_chats = prefix .. 'limited-chats'
redis.call('SADD', limited_chats, chat)
redis.call('EXPIRE', limited_chats, 1)
local all = redis.call('SCARD', limited_chats) >= min_limited_chats
redis.call('SET', prefix .. 'blocked:' .. (all and 'all' or chat), clock() + block_ms, 'PX', block_ms + 1)
return 0
