-- Takes a user's place for a connection, or keeps it: take_place(places; connection, most, ms)
--
-- KEYS[1]  fs:{live}:places:<user>   sorted set: connection id -> when its place is free, ms
-- ARGV     the connection's id, how many the user may have, how long a place lasts unless kept
--
-- Answers 1, or 0 when the user has that many others.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1])
    and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
