-- person_change(uid, person, leaf, revision, tag, consent_ms, sealed, audit)
--   -> { done | stale | moved | taken, keys_version, person, record } | { free, keys_version } | missing
--
-- Replace a person's data, sealed under their leaf. revision: '' for any. moved: the leaf is another one by now.

local uid, id = args[1], args[2]
if is_missing(uid) then return { 'missing' } end
local person = person_of(uid, id)
if not person then return told(uid, 'free') end
if args[4] ~= '' and args[4] ~= whole(person.revision) then return told(uid, 'stale', id, record_of(person)) end
if person.leaf ~= args[3] then return told(uid, 'moved', id, record_of(person)) end
local other = args[5] ~= '' and redis.call('HGET', key(uid, 'external'), args[5])
if other and other ~= id then return told(uid, 'taken', other, redis.call('HGET', key(uid, 'persons'), other)) end
if person.tag ~= '' then redis.call('HDEL', key(uid, 'external'), person.tag) end
if args[5] ~= '' then redis.call('HSET', key(uid, 'external'), args[5], id) end
person.tag, person.consent, person.sealed = args[5], args[6], args[7]
write_person(uid, id, person)
audit(uid, args[8])
return told(uid, 'done', id, record_of(person))
