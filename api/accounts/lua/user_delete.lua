-- user_delete(id) -> deleted | missing | last_admin
--
-- Deletes a user with sessions, API keys and whatever was sent to use once.

local id = args[1]
local key = user_key(id)
local email_hash = redis.call('HGET', key, 'email_hash')
if not email_hash then return 'missing' end
if is_last_admin(id) then return 'last_admin' end
end_sessions(id)
for _, key_id in ipairs(live_keys(id)) do redis.call('DEL', key_key(key_id)) end
void_once(id, 'reset')
void_once(id, 'verify')
if redis.call('HGET', EMAILS, email_hash) == id then redis.call('HDEL', EMAILS, email_hash) end
redis.call('ZREM', USERS, id)
redis.call('SREM', ADMINS, id)
redis.call('DEL', key, keys_key(id), backup_key(id), sessions_key(id), attempts_key('account:' .. email_hash))
return 'deleted'
