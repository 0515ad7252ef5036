-- Put before every script of this folder. All of them are called with
--
-- KEYS[1]     prefix of all keys, with their hash tag: the keys below are in its slot
-- ARGV[1]     the caller's clock in ms, or '' for the server's
-- ARGV[2]     about how many entries a collection's log keeps
-- ARGV[3]     about how many events a collection's audit keeps
-- ARGV[4]     for how long an answer that was given may be read, ms
-- ARGV[5]     random text: the mark of what this call writes into a log
-- ARGV[6] on  the script's own arguments, as its first line names them
--
-- collections:<owner>          hash    the owner's id of a collection -> its uid
-- collection:<uid>             hash    one collection (docs/reference/redis-keys.md)
-- collection:<uid>:persons     hash    person id -> record, see PERSON
-- collection:<uid>:order       zset    person ids by the number they were made as
-- collection:<uid>:enrolled    zset    person ids by when their last face was added (or they were made), ms
-- collection:<uid>:external    hash    tag of an external id -> person id
-- collection:<uid>:left        hash    id of a person that is no more -> 'm' person it was merged into | 'd' certificate
-- collection:<uid>:faces:<g>   hash    16 bytes of a face id -> record, see FACE; of generation g
-- collection:<uid>:images      hash    16 bytes of a face id -> key of its kept photo
-- collection:<uid>:fresh       set     faces that came while a new generation is made
-- collection:<uid>:skipped     hash    faces that get no vector of it -> why
-- collection:<uid>:log         stream  changes: <version>-0, mark, kind, person, faces (16 bytes each)
-- collection:<uid>:audit       stream  events, JSON
-- collection:<uid>:snapshots   set     leaves that snapshots may have
-- collection:<uid>:doomed      zset    leaves whose keys are to be destroyed, by the number of the doom
-- collection:<uid>:waiting     zset    certificates that wait for keys to be destroyed, by the same
-- collection:<uid>:followers   hash    process -> version its index has followed to, ' ', until when (ms)
-- gone:<uid>                   string  certificate of a collection that was deleted
-- certificate:<id>             hash    one certificate
-- certificates:<owner>         zset    an owner's certificates by the time (ms) of the deletion
-- retaining                    set     collections with a retention
-- changing                     set     collections whose model is being changed
-- dooming                      set     collections with doomed leaves
-- doomed_collections           set     collections all of whose keys are to be destroyed
-- doomed_images                zset    keys of photos that are to be deleted, by the time (ms) from which on
-- dropped                      set     deleted collections that had kept photos: collection:<uid>:images
-- issued                       zset    certificates by the time (ms) of the deletion, or a later one to look at them again
-- uncleared                    zset    certificates that wait for workers, by when they were last looked at (ms)
-- unreadable                   hash    why a person of a result could not be read -> how often

local PREFIX = KEYS[1]
local LOG_KEPT, AUDIT_KEPT, RESULTS_MS, MARK = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local args = {}
for place = 6, #ARGV do args[place - 5] = ARGV[place] end

local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- A person's record: leaf, number, revision, made, changed, last enrolled (ms, or none), tag of the external id (or
-- none), until when there is consent (ms; 0: there is none, -1: without end), leaves of persons who were merged into
-- this one (each with a comma behind), faces; then of each face the 16 bytes of its id and 8 of the tag of its photo
-- (zeros: there was none), then what is sealed.
local PERSON = '^(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d+)\n(%d*)\n(%x*)\n(%-?%d+)\n([%d,]*)\n(%d+)\n()'
local FACE_BYTES = 24
local NO_PHOTO = string.rep('\0', 8)
-- A face's record: leaf, when it was added (ms), person; then what is sealed.
local FACE = '^(%d+)\n(%d+)\n([^\n]*)\n()'
-- Leaves have 32 bits.
local MOST_LEAVES = 4294967295

-- Numbers of this size Lua would write with an exponent.
local function whole(number) return string.format('%.0f', number) end

local function key(uid, part)
  return PREFIX .. 'collection:' .. uid .. (part and ':' .. part or '')
end
local function faces_key(uid, generation) return key(uid, 'faces:' .. generation) end
local function certificate_key(id) return PREFIX .. 'certificate:' .. id end
local function is_missing(uid) return redis.call('EXISTS', key(uid)) == 0 end

-- An answer about a collection: what happened, and which keys it takes to open what is told.
local function told(uid, outcome, ...)
  return { outcome, redis.call('HGET', key(uid), 'keys_version') or '0', ... }
end

-- What a collection is read from.
local function view(uid)
  local coming = redis.call('HGET', key(uid), 'next_generation')
  return { redis.call('HGETALL', key(uid)), redis.call('HLEN', key(uid, 'persons')),
    redis.call('HLEN', faces_key(uid, redis.call('HGET', key(uid), 'generation'))),
    coming and redis.call('HLEN', faces_key(uid, coming)) or 0 }
end

local function audit(uid, event)
  redis.call('XADD', key(uid, 'audit'), 'MAXLEN', '~', AUDIT_KEPT, '*', 'event', event)
end

-- A change of settings, contract or calibration.
local function changed(uid)
  redis.call('HINCRBY', key(uid), 'revision', 1)
  redis.call('HSET', key(uid), 'updated_ms', whole(now))
end

-- Tell those who follow the log; faces: 16 bytes each.
local function log(uid, kind, person, faces)
  local version = whole(redis.call('HINCRBY', key(uid), 'version', 1))
  redis.call('HSET', key(uid), 'mark', MARK)
  redis.call('XADD', key(uid, 'log'), 'MAXLEN', '~', LOG_KEPT, version .. '-0', 'mark', MARK, 'kind', kind,
    'person', person, 'faces', faces)
end

-- The generations there are vectors of.
local function generations(uid)
  local found = redis.call('HMGET', key(uid), 'generation', 'next_generation')
  return found[2] and { found[1], found[2] } or { found[1] }
end

local function person_of(uid, id)
  local record = redis.call('HGET', key(uid, 'persons'), id)
  if not record then return nil end
  local leaf, number, revision, created, updated, enrolled, tag, consent, others, count, place =
    string.match(record, PERSON)
  local sealed = place + count * FACE_BYTES
  return { leaf = leaf, number = number, revision = tonumber(revision), created = created, updated = updated,
    enrolled = enrolled, tag = tag, consent = consent, others = others, faces = string.sub(record, place, sealed - 1),
    sealed = string.sub(record, sealed) }
end

local function record_of(person)
  return table.concat({ person.leaf, person.number, whole(person.revision), person.created, person.updated,
    person.enrolled, person.tag, person.consent, person.others, whole(#person.faces / FACE_BYTES), person.faces .. person.sealed },
    '\n')
end

local function face_head(leaf, added, person) return leaf .. '\n' .. added .. '\n' .. person .. '\n' end

-- Store a person that has changed.
local function write_person(uid, id, person)
  person.revision, person.updated = person.revision + 1, whole(now)
  redis.call('HSET', key(uid, 'persons'), id, record_of(person))
end

-- The 16 bytes of each of a person's faces.
local function face_ids(person)
  local ids = {}
  for place = 1, #person.faces, FACE_BYTES do
    table.insert(ids, string.sub(person.faces, place, place + 15))
  end
  return ids
end

-- Have leaves' keys destroyed; the number of the doom.
local function doom(uid, leaves)
  local number = redis.call('HINCRBY', key(uid), 'dooms', 1)
  for _, leaf in ipairs(leaves) do redis.call('ZADD', key(uid, 'doomed'), 'NX', number, leaf) end
  if #leaves > 0 then redis.call('SADD', PREFIX .. 'dooming', uid) end
  return number
end

-- The leaves of all snapshots, which are none from now on: they hold somebody who is forgotten.
local function take_snapshots(uid)
  local leaves = redis.call('SMEMBERS', key(uid, 'snapshots'))
  redis.call('DEL', key(uid, 'snapshots'))
  return leaves
end

-- Forget some of a person's faces; the leaves that are to be doomed for it, those of snapshots among them.
local function forget_faces(uid, person, ids)
  if #ids == 0 then return {} end
  local leaves, all = take_snapshots(uid), generations(uid)
  for _, id in ipairs(ids) do
    table.insert(leaves, (string.match(redis.call('HGET', faces_key(uid, all[1]), id), FACE)))
    for _, generation in ipairs(all) do redis.call('HDEL', faces_key(uid, generation), id) end
    if all[2] then
      redis.call('SREM', key(uid, 'fresh'), id)
      redis.call('HDEL', key(uid, 'skipped'), id)
    end
    local image = redis.call('HGET', key(uid, 'images'), id)
    if image then
      redis.call('ZADD', PREFIX .. 'doomed_images', whole(now), image)
      redis.call('HDEL', key(uid, 'images'), id)
    end
  end
  log(uid, 'removed', person, table.concat(ids))
  return leaves
end

-- Forget one face that is there, by itself.
local function forget_face(uid, face, event)
  local record = redis.call('HGET', faces_key(uid, redis.call('HGET', key(uid), 'generation')), face)
  local _, _, id = string.match(record, FACE)
  local person, rows = person_of(uid, id), {}
  for place = 1, #person.faces, FACE_BYTES do
    local row = string.sub(person.faces, place, place + FACE_BYTES - 1)
    if string.sub(row, 1, 16) ~= face then table.insert(rows, row) end
  end
  doom(uid, forget_faces(uid, id, { face }))
  person.faces = table.concat(rows)
  write_person(uid, id, person)
  if event ~= '' then audit(uid, event) end
end

-- Strike a person out of everything but their faces.
local function strike(uid, id, person)
  redis.call('HDEL', key(uid, 'persons'), id)
  redis.call('ZREM', key(uid, 'order'), id)
  redis.call('ZREM', key(uid, 'enrolled'), id)
  if person.tag ~= '' then redis.call('HDEL', key(uid, 'external'), person.tag) end
end

-- Forget a person with all faces; the number of the doom.
local function forget_person(uid, id, person)
  strike(uid, id, person)
  local leaves = forget_faces(uid, id, face_ids(person))
  table.insert(leaves, person.leaf)
  for leaf in string.gmatch(person.others, '%d+') do table.insert(leaves, leaf) end
  return doom(uid, leaves)
end

-- Since when results of the collection hold names sealed (ms); 0: always. Of a collection that is older than sealed names
-- nobody noted it: since the first deletion from then on at the latest.
local function sealed_since(uid)
  redis.call('HSETNX', key(uid), 'results_sealed_ms', whole(now))
  return redis.call('HGET', key(uid), 'results_sealed_ms')
end

-- Write a certificate. person: '' where it is the whole collection.
local function certify(uid, id, person, faces, version, number)
  local collection = redis.call('HMGET', key(uid), 'owner', 'id')
  redis.call('HSET', certificate_key(id), 'owner', collection[1], 'collection_uid', uid, 'collection_id', collection[2],
    'person_id', person, 'faces', whole(faces), 'deleted_ms', whole(now), 'version', version,
    'results_expire_ms', whole(now + RESULTS_MS), 'results_sealed_ms', sealed_since(uid))
  redis.call('ZADD', PREFIX .. 'certificates:' .. collection[1], whole(now), id)
  redis.call('ZADD', key(uid, 'waiting'), number, id)
  redis.call('ZADD', PREFIX .. 'issued', whole(now), id)
  redis.call('ZADD', PREFIX .. 'uncleared', whole(now), id)
end

-- What a certificate is read from.
local function certificate(id) return redis.call('HGETALL', certificate_key(id)) end
