-- reembed_abandon(uid, job) -> { done, keys_version } | missing
--
-- Forget the next generation, if it is that job's.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'next_generation')
if found[1] == args[2] then
  redis.call('UNLINK', faces_key(uid, found[2]), key(uid, 'fresh'), key(uid, 'skipped'))
  redis.call('HDEL', key(uid), 'next_job', 'next_generation', 'next_contract', 'next_model', 'next_cursor',
    'next_started_ms')
  changed(uid)
end
return told(uid, 'done')
