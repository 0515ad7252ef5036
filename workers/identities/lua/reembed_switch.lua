-- reembed_switch(uid, job, audit) -> { done | early | other, keys_version } | missing
--
-- Let the next generation count, and forget the one before. early: faces without a new vector are there.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'generation', 'next_generation', 'next_contract', 'next_model',
  'switched_job')
if not found[1] and found[6] == args[2] then return told(uid, 'done') end
if found[1] ~= args[2] then return told(uid, 'other') end
local old, new = faces_key(uid, found[2]), faces_key(uid, found[3])
if redis.call('HLEN', old) ~= redis.call('HLEN', new) then return told(uid, 'early') end
redis.call('UNLINK', old, key(uid, 'fresh'), key(uid, 'skipped'))
-- What was calibrated was the other model.
redis.call('HDEL', key(uid), 'contract', 'model', 'calibration', 'next_job', 'next_generation', 'next_contract',
  'next_model', 'next_cursor', 'next_started_ms')
redis.call('HSET', key(uid), 'generation', found[3], 'switched_job', args[2])
if found[4] then redis.call('HSET', key(uid), 'contract', found[4]) end
if found[5] then redis.call('HSET', key(uid), 'model', found[5]) end
doom(uid, take_snapshots(uid))
log(uid, 'reset', '', '')
changed(uid)
audit(uid, args[3])
return told(uid, 'done')
