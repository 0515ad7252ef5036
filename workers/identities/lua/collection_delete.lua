-- collection_delete(uid, certificate, audit) -> { done, '0', certificate id, flat certificate hash } | missing
--
-- Forget a collection with everything in it. Its certificates, its doomed photos and, for a while, its audit stay.

local uid, id = args[1], args[2]
if is_missing(uid) then
  local known = redis.call('GET', PREFIX .. 'gone:' .. uid)
  return known and { 'done', '0', known, certificate(known) } or { 'missing' }
end
local found = redis.call('HMGET', key(uid), 'owner', 'id', 'generation', 'version')
-- Beyond every version there was: only who holds no index of it any more has followed so far.
certify(uid, id, '', redis.call('HLEN', faces_key(uid, found[3])), whole(found[4] + 1), doom(uid, {}))
audit(uid, args[3])
redis.call('PEXPIRE', key(uid, 'audit'), 90 * 86400000)
for _, generation in ipairs(generations(uid)) do redis.call('UNLINK', faces_key(uid, generation)) end
for _, part in ipairs({ 'persons', 'order', 'enrolled', 'external', 'left', 'fresh', 'skipped', 'log', 'snapshots',
  'doomed' }) do
  redis.call('UNLINK', key(uid, part))
end
redis.call('DEL', key(uid))
redis.call('HDEL', PREFIX .. 'collections:' .. found[1], found[2])
redis.call('SREM', PREFIX .. 'retaining', uid)
redis.call('SREM', PREFIX .. 'dooming', uid)
redis.call('SADD', PREFIX .. 'doomed_collections', uid)
if redis.call('EXISTS', key(uid, 'images')) == 1 then redis.call('SADD', PREFIX .. 'dropped', uid) end
redis.call('SET', PREFIX .. 'gone:' .. uid, id)
return { 'done', '0', id, certificate(id) }
