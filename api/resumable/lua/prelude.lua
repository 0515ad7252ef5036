-- Put before every script of this folder. All of them are called with
--
-- KEYS[1] upload  hash  one upload: owner, length, offset, metadata, created_ms, expires_ms
-- KEYS[2] pieces  list  what has arrived, in its order: "<blob key> <bytes>"
-- KEYS[3] of      zset  the owner's uploads, "<id> <length>", by the time (ms) they expire
-- KEYS[4] bytes   string  the sum of their lengths
--
-- All keys of an owner's uploads share a hash tag.

local UPLOAD, PIECES, OF, BYTES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function as_it_is() return redis.call('HGETALL', UPLOAD) end

-- Give back what an upload counted for.
local function release(member)
  if redis.call('ZREM', OF, member) == 1 then
    redis.call('DECRBY', BYTES, string.match(member, ' (%d+)$'))
  end
end
