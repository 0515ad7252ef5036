-- key_create(id, user, most, ended_seconds, name, value, ..., 'audit', kept, name, value, ...)
--   -> { created | known | too_many, flat key hash }
--
-- Keeps a new API key, if its user has fewer than `most` that can be used. What has an expiry is
-- deleted `ended_seconds` after it.

local id, user, most = args[1], args[2], tonumber(args[3])
local key = key_key(id)
if redis.call('EXISTS', key) == 1 then return { 'known', redis.call('HGETALL', key) } end
local usable = 0
for _, other in ipairs(live_keys(user)) do
  local ends = redis.call('HMGET', key_key(other), 'revoked_ms', 'expires_ms')
  if not ends[1] and (tonumber(ends[2]) or math.huge) > now then usable = usable + 1 end
end
if usable >= most then return { 'too_many' } end
local place = 5
while args[place] ~= 'audit' do
  redis.call('HSET', key, args[place], args[place + 1])
  place = place + 2
end
redis.call('HSET', key, 'user', user, 'created_ms', whole(now))
redis.call('ZADD', keys_key(user), now, id)
local expires_ms = tonumber(redis.call('HGET', key, 'expires_ms'))
if expires_ms then redis.call('PEXPIRE', key, whole(expires_ms - now + args[4] * 1000)) end
write_audit(place + 1)
return { 'created', redis.call('HGETALL', key) }
