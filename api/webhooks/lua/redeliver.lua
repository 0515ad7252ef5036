-- redeliver(id, owner) -> 1 | 0
--
-- Sends a delivery anew, from its first try, whatever became of it. 0: the owner has none such.

local id = args[1]
if redis.call('HGET', delivery_key(id), 'owner') ~= args[2] then return 0 end
redis.call('PERSIST', delivery_key(id))
redis.call('HSET', delivery_key(id), 'state', 'pending', 'attempt', 0, 'due_ms', now)
redis.call('ZADD', DUE, now, id)
return 1
