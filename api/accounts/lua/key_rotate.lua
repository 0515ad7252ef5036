-- key_rotate(user, id, digest, hint, overlap_ms, kept, name, value, ...)
--   -> { rotated | missing | ended, flat key hash }
--
-- Gives a key a new secret; the old one is taken for another overlap_ms. Repeating it with the same
-- digest changes nothing. From `kept` on: the audit entry.

local key = key_key(args[2])
local stored = redis.call('HMGET', key, 'user', 'digest', 'revoked_ms', 'expires_ms')
if stored[1] ~= args[1] then return { 'missing' } end
if stored[3] or (tonumber(stored[4]) or math.huge) <= now then return { 'ended' } end
if stored[2] ~= args[3] then
  redis.call('HSET', key, 'digest', args[3], 'hint', args[4])
  if tonumber(args[5]) > 0 then
    redis.call('HSET', key, 'previous_digest', stored[2], 'previous_until_ms', whole(now + args[5]))
  else
    redis.call('HDEL', key, 'previous_digest', 'previous_until_ms')
  end
  write_audit(6)
end
return { 'rotated', redis.call('HGETALL', key) }
