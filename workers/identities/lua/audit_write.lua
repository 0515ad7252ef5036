-- audit_write(uid, event) -> { done, keys_version } | missing

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
audit(uid, args[2])
return told(uid, 'done')
