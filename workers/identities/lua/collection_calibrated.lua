-- collection_calibrated(uid, contract, calibration, audit) -> { done | mismatch, keys_version, view } | missing

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local stored = redis.call('HMGET', key(uid), 'contract', 'calibration')
if stored[1] ~= args[2] then return told(uid, 'mismatch', view(uid)) end
if stored[2] ~= args[3] then
  redis.call('HSET', key(uid), 'calibration', args[3])
  changed(uid)
  audit(uid, args[4])
end
return told(uid, 'done', view(uid))
