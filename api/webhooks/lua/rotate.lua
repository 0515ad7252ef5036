-- rotate(id, owner, sealed) -> 1 | 0
--
-- The newest secret is the given one; the former newest signs beside it. Of two rotations at once
-- both secrets stay. 0: the owner has no such webhook.

local hook = redis.call('HMGET', hook_key(args[1]), 'owner', 'secrets')
if hook[1] ~= args[2] then return 0 end
redis.call('HSET', hook_key(args[1]), 'secrets', args[3] .. ' ' .. string.match(hook[2], '^%S+'))
return 1
