-- password_set(id, password, before, spared) -> { changed | stale | missing, session id, ... }
--
-- Replaces the hash of a password, if it is still the one the caller saw, and ends all sessions but
-- the spared one. What was sent to reset the password is void.

local id, password = args[1], args[2]
local key = user_key(id)
local held = redis.call('HGET', key, 'password')
if not held then return { 'missing' } end
if held ~= args[3] and held ~= password then return { 'stale' } end
redis.call('HSET', key, 'password', password, 'password_ms', whole(now), 'updated_ms', whole(now))
void_once(id, 'reset')
local answer = { 'changed' }
for _, session in ipairs(end_sessions(id, args[4])) do table.insert(answer, session) end
return answer
