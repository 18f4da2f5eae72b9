-- A chat waits; where several were refused within a second, all do. KEYS: prefix. ARGV: chat, ms to wait, how many
-- refused chats mean that it is not the chats.
local prefix, chat, ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
redis.call('SADD', prefix .. 'flood', chat)
redis.call('EXPIRE', prefix .. 'flood', 1)
local all = redis.call('SCARD', prefix .. 'flood') >= tonumber(ARGV[3])
redis.call('SET', prefix .. 'hold:' .. (all and 'all' or chat), clock() + ms, 'PX', ms + 1)
return 0
