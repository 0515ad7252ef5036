-- reembed_pending(uid, job, limit)
--   -> { found | more, keys_version, generation, face, record, image key or '', ... } | { other, keys_version } | missing
--
-- Faces without a vector of the next generation that were not given up. more: none was found yet, ask again.

local uid, limit = args[1], tonumber(args[3])
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'generation', 'next_generation', 'next_cursor')
if found[1] ~= args[2] then return told(uid, 'other') end
local old, new, cursor = faces_key(uid, found[2]), faces_key(uid, found[3]), found[4]
local skipped = key(uid, 'skipped')
local answer = told(uid, 'found', found[2])

local seen = {}
local function take(face)
  if redis.call('HEXISTS', new, face) == 1 or redis.call('HEXISTS', skipped, face) == 1 then return false end
  if not seen[face] and #answer < 3 + 3 * limit then
    seen[face] = true
    table.insert(answer, face)
    table.insert(answer, redis.call('HGET', old, face))
    table.insert(answer, redis.call('HGET', key(uid, 'images'), face) or '')
  end
  return true
end

for _, face in ipairs(redis.call('SRANDMEMBER', key(uid, 'fresh'), limit)) do
  if not take(face) then redis.call('SREM', key(uid, 'fresh'), face) end
end
-- The place in the hash moves on only over faces that are done: whoever dies with some in hand loses none.
for _ = 1, 10 do
  local done, is_lacking = redis.call('HLEN', new) + redis.call('HLEN', skipped), false
  if #answer == 3 + 3 * limit or done == redis.call('HLEN', old) then return answer end
  local page = redis.call('HSCAN', old, cursor, 'COUNT', limit)
  for place = 1, #page[2], 2 do is_lacking = take(page[2][place]) or is_lacking end
  if is_lacking then return answer end
  cursor = page[1]
  redis.call('HSET', key(uid), 'next_cursor', cursor)
end
if #answer == 3 then answer[1] = 'more' end
return answer
