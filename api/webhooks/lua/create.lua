-- create(id, owner, url, secret, events, description, limit) -> 1 | 0
--
-- 0: the owner has as many as allowed. Creating the same again changes nothing.

local id, owner = args[1], args[2]
local mine = PREFIX .. 'of:' .. owner
if redis.call('SISMEMBER', mine, id) == 1 then return 1 end
if redis.call('SCARD', mine) >= tonumber(args[7]) then return 0 end
redis.call('HSET', hook_key(id), 'owner', owner, 'url', args[3], 'secrets', args[4],
  'events', args[5], 'description', args[6], 'disabled', '', 'created_ms', now)
redis.call('SADD', mine, id)
return 1
