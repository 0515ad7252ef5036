-- images_missing(uid) -> { found, keys_version, faces without a kept photo } | missing

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local faces = redis.call('HLEN', faces_key(uid, redis.call('HGET', key(uid), 'generation')))
return told(uid, 'found', faces - redis.call('HLEN', key(uid, 'images')))
