-- once_put(kind, hash, user, ttl_ms) -> 1 | 0
--
-- Keeps a token that its user can use once; an older one of the kind is void. 0: no such user.

local kind, hash, user = args[1], args[2], args[3]
if redis.call('EXISTS', user_key(user)) == 0 then return 0 end
void_once(user, kind)
redis.call('SET', once_key(kind, hash), user, 'PX', args[4])
redis.call('HSET', user_key(user), 'once_' .. kind, hash)
return 1
