-- person_generation(uid, person) -> { known, keys_version, record, generation } | { free, keys_version } | missing
--
-- A person, and the generation their faces are sealed for.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local record = redis.call('HGET', key(uid, 'persons'), args[2])
if not record then return told(uid, 'free') end
return told(uid, 'known', record, redis.call('HGET', key(uid), 'generation'))
