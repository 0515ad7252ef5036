-- person_merge(uid, into, person, audit) -> { done, keys_version, into, record } | { free | no_consent, keys_version } | missing
--
-- Give a person's faces to another one and strike the person out. The other one keeps the person's leaf: who is deleted
-- is forgotten under both.

local uid, id, other_id = args[1], args[2], args[3]
if is_missing(uid) then return { 'missing' } end
local person, other = person_of(uid, id), person_of(uid, other_id)
if not person then return told(uid, 'free') end
if id == other_id or (not other and redis.call('HGET', key(uid, 'left'), other_id) == 'm' .. id) then
  return told(uid, 'done', id, record_of(person))
end
if not other then return told(uid, 'free') end
local ends = tonumber(person.consent)
local is_lacking = redis.call('HGET', key(uid), 'consent_required') == '1' and ends ~= -1 and ends <= now
if is_lacking and #other.faces > 0 then return told(uid, 'no_consent') end

-- Give the other's faces to the person, and have all by when they were added; those added at once keep their order.
local all, moved = {}, {}
local function take(from, is_other)
  for place = 1, #from.faces, FACE_BYTES do
    local row = string.sub(from.faces, place, place + FACE_BYTES - 1)
    local face = string.sub(row, 1, 16)
    local record = redis.call('HGET', faces_key(uid, redis.call('HGET', key(uid), 'generation')), face)
    local _, added = string.match(record, FACE)
    table.insert(all, { row = row, face = face, added = tonumber(added), place = #all, is_other = is_other })
  end
end
take(person, false)
take(other, true)
table.sort(all, function(a, b)
  if a.added ~= b.added then return a.added < b.added end
  return a.place < b.place
end)

local first = #all - tonumber(redis.call('HGET', key(uid), 'most_faces')) + 1
local rows, gone = {}, { {}, {} }
for place, one in ipairs(all) do
  if place < first then
    table.insert(gone[one.is_other and 2 or 1], one.face)
  else
    table.insert(rows, one.row)
    if one.is_other then table.insert(moved, one.face) end
  end
end
local leaves = forget_faces(uid, id, gone[1])
for _, leaf in ipairs(forget_faces(uid, other_id, gone[2])) do table.insert(leaves, leaf) end
if #leaves > 0 then doom(uid, leaves) end
for _, generation in ipairs(generations(uid)) do
  for _, face in ipairs(moved) do
    local record = redis.call('HGET', faces_key(uid, generation), face)
    if record then
      local leaf, added, _, place = string.match(record, FACE)
      redis.call('HSET', faces_key(uid, generation), face, face_head(leaf, added, id) .. string.sub(record, place))
    end
  end
end
if #moved > 0 then log(uid, 'moved', id, table.concat(moved)) end
strike(uid, other_id, other)
redis.call('HSET', key(uid, 'left'), other_id, 'm' .. id)
if (tonumber(other.enrolled) or 0) > (tonumber(person.enrolled) or 0) then
  person.enrolled = other.enrolled
  redis.call('ZADD', key(uid, 'enrolled'), person.enrolled, id)
end
person.faces, person.others = table.concat(rows), person.others .. other.others .. other.leaf .. ','
write_person(uid, id, person)
audit(uid, args[4])
return told(uid, 'done', id, record_of(person))
