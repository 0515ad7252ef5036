-- reembed_begin(uid, model, job) -> { done | other, keys_version, view } | missing
--
-- Begin a change of model, to '' for the default one; what the same job has begun, or ended, is told as it is.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'switched_job')
if found[1] and found[1] ~= args[3] then return told(uid, 'other', view(uid)) end
if not found[1] and found[2] ~= args[3] then
  local generation = redis.call('HINCRBY', key(uid), 'generations', 1)
  redis.call('HSET', key(uid), 'next_generation', generation, 'next_job', args[3], 'next_cursor', '0',
    'next_started_ms', whole(now))
  redis.call('SADD', PREFIX .. 'changing', uid)
  if args[2] ~= '' then redis.call('HSET', key(uid), 'next_model', args[2]) end
  changed(uid)
end
return told(uid, 'done', view(uid))
