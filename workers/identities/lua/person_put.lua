-- person_put(uid, person, leaf, tag, consent_ms, sealed, audit)
--   -> { new | known | taken, keys_version, person, record } | { full, keys_version } | missing
--
-- Make a person. known: there is one of that id; taken: another one has the external id.

local uid, id = args[1], args[2]
if is_missing(uid) then return { 'missing' } end
local known = redis.call('HGET', key(uid, 'persons'), id)
if known then return told(uid, 'known', id, known) end
local other = args[4] ~= '' and redis.call('HGET', key(uid, 'external'), args[4])
if other then return told(uid, 'taken', other, redis.call('HGET', key(uid, 'persons'), other)) end
if redis.call('HLEN', key(uid, 'persons')) >= tonumber(redis.call('HGET', key(uid), 'most_persons')) then
  return told(uid, 'full')
end
local number = whole(redis.call('HINCRBY', key(uid), 'number', 1))
write_person(uid, id, { leaf = args[3], number = number, revision = 0, created = whole(now), enrolled = '',
  tag = args[4], consent = args[5], others = '', faces = '', sealed = args[6] })
redis.call('ZADD', key(uid, 'order'), number, id)
redis.call('ZADD', key(uid, 'enrolled'), whole(now), id)
if args[4] ~= '' then redis.call('HSET', key(uid, 'external'), args[4], id) end
redis.call('HDEL', key(uid, 'left'), id)
audit(uid, args[7])
return told(uid, 'new', id, redis.call('HGET', key(uid, 'persons'), id))
