-- session_end(user, id) -> 1 | 0
--
-- 0: that user has no such session.

local id = args[2]
if redis.call('HGET', session_key(id), 'user') ~= args[1] or not is_alive(id) then return 0 end
end_session(args[1], id)
return 1
