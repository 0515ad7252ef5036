-- session_look(id, touch_ms) -> { user, role } | { }
--
-- Who a session is of, when it and its user are in order. The time of its last use is noted when
-- the note is older than touch_ms.

local key = session_key(args[1])
local session = redis.call('HMGET', key, 'user', 'expires_ms', 'last_ms')
if not session[1] or tonumber(session[2]) <= now then return {} end
local user = redis.call('HMGET', user_key(session[1]), 'role', 'status')
if user[2] ~= 'active' then return {} end
if now - tonumber(session[3]) > tonumber(args[2]) then
  redis.call('HSET', key, 'last_ms', whole(now))
end
return { session[1], user[1] }
