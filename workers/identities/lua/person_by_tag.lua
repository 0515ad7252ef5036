-- person_by_tag(uid, tag) -> { known, keys_version, person, record } | { free, keys_version } | missing
--
-- The person with an external id, by its tag.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local id = redis.call('HGET', key(uid, 'external'), args[2])
if not id then return told(uid, 'free') end
return told(uid, 'known', id, redis.call('HGET', key(uid, 'persons'), id))
