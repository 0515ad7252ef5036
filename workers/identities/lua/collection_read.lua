-- collection_read(uid) -> { found, keys_version, view } | missing

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
return told(uid, 'found', view(uid))
