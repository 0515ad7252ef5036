-- delete(id, owner) -> 1 | 0
--
-- What is still to be sent to it is given up when its turn comes.

if redis.call('HGET', hook_key(args[1]), 'owner') ~= args[2] then return 0 end
redis.call('DEL', hook_key(args[1]))
redis.call('SREM', PREFIX .. 'of:' .. args[2], args[1])
return 1
