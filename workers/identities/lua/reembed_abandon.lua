-- reembed_abandon(uid, job, audit) -> { done, keys_version, whether it was there } | missing
--
-- Forget the next generation, if it is that job's. audit: what is noted then, '' for nothing.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'next_generation')
if found[1] == args[2] then
  redis.call('UNLINK', faces_key(uid, found[2]), key(uid, 'fresh'), key(uid, 'skipped'))
  redis.call('HDEL', key(uid), 'next_job', 'next_generation', 'next_contract', 'next_model', 'next_cursor',
    'next_started_ms')
  changed(uid)
  if args[3] ~= '' then audit(uid, args[3]) end
end
return told(uid, 'done', found[1] == args[2] and 1 or 0)
