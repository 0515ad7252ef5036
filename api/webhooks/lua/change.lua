-- change(id, owner, field, value, ...) -> 1 | 0
--
-- 0: the owner has no such webhook.

if redis.call('HGET', hook_key(args[1]), 'owner') ~= args[2] then return 0 end
redis.call('HSET', hook_key(args[1]), unpack(args, 3))
return 1
