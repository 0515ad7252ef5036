-- key_find(id) -> { flat key hash, role, status } | { }
--
-- An API key with what decides about its owner: empty words where the user is gone.

local key = redis.call('HGETALL', key_key(args[1]))
if #key == 0 then return {} end
local user = redis.call('HGET', key_key(args[1]), 'user')
local standing = redis.call('HMGET', user_key(user), 'role', 'status')
return { key, standing[1] or '', standing[2] or '' }
