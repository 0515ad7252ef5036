-- face_delete(uid, face, leaf, audit) -> { done | free, keys_version } | missing
--
-- Forget a face. leaf: '' for any; else it is forgotten only if it is sealed under that one. audit: '' for none.

local uid, face = args[1], args[2]
if is_missing(uid) then return { 'missing' } end
local record = redis.call('HGET', faces_key(uid, redis.call('HGET', key(uid), 'generation')), face)
local leaf = string.match(record or '', FACE)
if not record or (args[3] ~= '' and args[3] ~= leaf) then return told(uid, 'free') end
forget_face(uid, face, args[4])
return told(uid, 'done')
