-- user_standing(id, role, status) -> { changed | missing | last_admin, session id, ... }
--
-- Sets role, status or both; an empty one stays. Who is suspended loses all sessions, whose ids are
-- answered. The last active administrator stays one.

local id, role, status = args[1], args[2], args[3]
local key = user_key(id)
if redis.call('EXISTS', key) == 0 then return { 'missing' } end
local loses = (role ~= '' and role ~= 'admin') or (status ~= '' and status ~= 'active')
if loses and is_last_admin(id) then return { 'last_admin' } end
if role ~= '' then redis.call('HSET', key, 'role', role) end
if status ~= '' then redis.call('HSET', key, 'status', status) end
redis.call('HSET', key, 'updated_ms', whole(now))
list_admin(id)
local answer = { 'changed' }
if status == 'suspended' then
  for _, session in ipairs(end_sessions(id)) do table.insert(answer, session) end
end
return answer
