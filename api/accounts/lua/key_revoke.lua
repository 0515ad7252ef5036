-- key_revoke(user, id, ended_seconds, kept, name, value, ...) -> revoked | missing
--
-- Ends a key at once and for good; it can be looked at for another ended_seconds. From `kept` on:
-- the audit entry.

local key = key_key(args[2])
local stored = redis.call('HMGET', key, 'user', 'revoked_ms')
if stored[1] ~= args[1] then return 'missing' end
if not stored[2] then
  redis.call('HSET', key, 'revoked_ms', whole(now))
  redis.call('HDEL', key, 'previous_digest', 'previous_until_ms')
  redis.call('EXPIRE', key, args[3])
  write_audit(4)
end
return 'revoked'
