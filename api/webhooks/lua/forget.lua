-- forget(owner) -> number of webhooks
--
-- Deletes all webhooks of an owner, and what signs the addresses given with requests. What is still
-- to be sent to any of them is given up when its turn comes.

local mine = PREFIX .. 'of:' .. args[1]
local ids = redis.call('SMEMBERS', mine)
for _, id in ipairs(ids) do redis.call('DEL', hook_key(id)) end
redis.call('DEL', mine, PREFIX .. 'secret:' .. args[1])
return #ids
