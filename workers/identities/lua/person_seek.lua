-- person_seek(uid, person) -> { known, keys_version, person, record } | { free, keys_version } | missing
--
-- A person, if there is one.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local record = redis.call('HGET', key(uid, 'persons'), args[2])
if not record then return told(uid, 'free') end
return told(uid, 'known', args[2], record)
