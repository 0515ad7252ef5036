-- collection_find(owner, id) -> { found, keys_version, uid, view } | { missing, how many the owner has }
--
-- An owner's collection by the owner's id.

local list = PREFIX .. 'collections:' .. args[1]
local uid = redis.call('HGET', list, args[2])
if not uid then return { 'missing', redis.call('HLEN', list) } end
return told(uid, 'found', uid, view(uid))
