-- reembed_add(uid, job, contract, face, leaf, sealed, ...)
--   -> { done, keys_version, view, face, ... } | { other | mismatch, keys_version } | missing
--
-- Add vectors of the next generation. Told are the faces that have come back under another leaf meanwhile.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'generation', 'next_generation', 'next_contract')
if found[1] ~= args[2] then return told(uid, 'other') end
if found[4] and found[4] ~= args[3] then return told(uid, 'mismatch') end
local answer, old, new = {}, faces_key(uid, found[2]), faces_key(uid, found[3])
for place = 4, #args, 3 do
  local face = args[place]
  local record = redis.call('HGET', old, face)
  if record then
    local leaf, added, person = string.match(record, FACE)
    if leaf == args[place + 1] then
      redis.call('HSET', new, face, face_head(leaf, added, person) .. args[place + 2])
      redis.call('HSET', key(uid), 'next_contract', args[3])
      redis.call('HDEL', key(uid, 'skipped'), face)
    else
      table.insert(answer, face)
    end
  end
  redis.call('SREM', key(uid, 'fresh'), face)
end
return told(uid, 'done', view(uid), unpack(answer))
