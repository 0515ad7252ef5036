-- person_faces(uid, person)
--   -> { known, keys_version, record, generation, face record, image key or '', ... } | { free, keys_version } | missing
--
-- A person's faces, the oldest first.

local uid, id = args[1], args[2]
if is_missing(uid) then return { 'missing' } end
local person = person_of(uid, id)
if not person then return told(uid, 'free') end
local generation = redis.call('HGET', key(uid), 'generation')
local answer = told(uid, 'known', record_of(person), generation)
for _, face in ipairs(face_ids(person)) do
  table.insert(answer, redis.call('HGET', faces_key(uid, generation), face))
  table.insert(answer, redis.call('HGET', key(uid, 'images'), face) or '')
end
return answer
