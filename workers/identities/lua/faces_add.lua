-- faces_add(uid, person, their leaf, contract, generation, compared, present, audit, face, photo tag, image key, leaf,
--   sealed, ...) -> { done, keys_version, letters, version }
--   | { behind, keys_version, version, whether that is the latest, { face, record, ... } }
--   | { free | moved | lost | mismatch | no_consent, keys_version } | missing
--
-- Add a person's faces. their leaf: the person's, '' for whoever has the id; contract: of the vectors; generation: the
-- caller's, '' for any; compared: the version up to which the faces were compared with everybody's, '' for not at all;
-- present: the generation they are sealed for. letters: of each face a: added, k: known, d: duplicate, f: full. behind:
-- these faces have come since, up to that version of the log: so much as one call may read. lost: which ones the log does
-- not tell any more. moved: the generation is another by now.

-- Of the log in one call: entries, and faces until no further entry is read. Everybody else waits that long.
local MOST_ENTRIES, MOST_CAME = 250, 250

local uid, id = args[1], args[2]
if is_missing(uid) then return { 'missing' } end
local person = person_of(uid, id)
if not person or (args[3] ~= '' and args[3] ~= person.leaf) then return told(uid, 'free') end
local found = redis.call('HMGET', key(uid), 'contract', 'generation', 'most_faces', 'consent_required', 'next_generation')
if (found[1] and found[1] ~= args[4]) or (args[5] ~= '' and args[5] ~= found[2]) then return told(uid, 'mismatch') end
local consent = tonumber(person.consent)
if found[4] == '1' and consent ~= -1 and consent <= now then return told(uid, 'no_consent') end
if found[2] ~= args[7] then return told(uid, 'moved') end
local version = redis.call('HGET', key(uid), 'version')
if args[6] ~= '' and args[6] ~= version then
  local came, first, reached = {}, whole(args[6] + 1) .. '-0', nil
  local entries = redis.call('XRANGE', key(uid, 'log'), first, '+', 'COUNT', MOST_ENTRIES)
  if #entries == 0 or entries[1][1] ~= first then return told(uid, 'lost') end
  for _, entry in ipairs(entries) do
    if #came >= 2 * MOST_CAME then break end
    reached = string.match(entry[1], '^%d+')
    -- mark, kind, person and faces, each behind its name.
    local ids = entry[2][4] == 'added' and entry[2][8] or ''
    for place = 1, #ids, 16 do
      local record = redis.call('HGET', faces_key(uid, found[2]), string.sub(ids, place, place + 15))
      if record then
        table.insert(came, string.sub(ids, place, place + 15))
        table.insert(came, record)
      end
    end
  end
  -- Who has not read to the end goes on from here, although nothing may have come as far as this.
  if #came > 0 or reached ~= version then
    return told(uid, 'behind', reached, reached == version and 1 or 0, came)
  end
end

local faces, photos, letters, added = faces_key(uid, found[2]), {}, {}, {}
for place = 17, #person.faces, FACE_BYTES do photos[string.sub(person.faces, place, place + 7)] = true end
photos[NO_PHOTO] = nil
local count, list = #person.faces / FACE_BYTES, { person.faces }
for place = 9, #args, 5 do
  local face, photo, letter = args[place], args[place + 1], 'a'
  if redis.call('HEXISTS', faces, face) == 1 then
    letter = 'k'
  elseif photos[photo] then
    letter = 'd'
  elseif count >= tonumber(found[3]) then
    letter = 'f'
  else
    redis.call('HSET', faces, face, face_head(args[place + 3], whole(now), id) .. args[place + 4])
    -- A photo that is not waited for is deleted by now, or at this very moment.
    local due_ms = args[place + 2] ~= '' and redis.call('ZSCORE', PREFIX .. 'doomed_images', args[place + 2])
    if due_ms and tonumber(due_ms) > now then
      redis.call('ZREM', PREFIX .. 'doomed_images', args[place + 2])
      redis.call('HSET', key(uid, 'images'), face, args[place + 2])
    end
    if found[5] then redis.call('SADD', key(uid, 'fresh'), face) end
    if photo ~= NO_PHOTO then photos[photo] = true end
    count = count + 1
    table.insert(list, face .. photo)
    table.insert(added, face)
  end
  table.insert(letters, letter)
end
if #added > 0 then
  if not found[1] then
    redis.call('HSET', key(uid), 'contract', args[4])
    changed(uid)
  end
  person.faces, person.enrolled = table.concat(list), whole(now)
  write_person(uid, id, person)
  redis.call('ZADD', key(uid, 'enrolled'), whole(now), id)
  log(uid, 'added', id, table.concat(added))
  audit(uid, args[8])
end
return told(uid, 'done', table.concat(letters), redis.call('HGET', key(uid), 'version'))
