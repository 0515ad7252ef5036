-- reembed_skip(uid, job, face, reason, ...) -> { done | other, keys_version } | missing
--
-- Give faces up of which there will be no vector of the next generation.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'generation', 'next_generation')
if found[1] ~= args[2] then return told(uid, 'other') end
for place = 3, #args, 2 do
  local face = args[place]
  if redis.call('HEXISTS', faces_key(uid, found[2]), face) == 1
    and redis.call('HEXISTS', faces_key(uid, found[3]), face) == 0 then
    redis.call('HSET', key(uid, 'skipped'), face, args[place + 1])
  end
end
return told(uid, 'done')
