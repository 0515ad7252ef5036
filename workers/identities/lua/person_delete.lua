-- person_delete(uid, person, certificate, audit, is_expiry)
--   -> { done, keys_version, certificate id, flat certificate hash } | { free | early, keys_version } | missing
--
-- Forget a person; of one that was deleted already the certificate of then. is_expiry: 1, only if their retention is
-- over; early: it is not.

local uid, id, certificate_id = args[1], args[2], args[3]
if is_missing(uid) then return { 'missing' } end
local person = person_of(uid, id)
if args[5] == '1' then
  local kept_ms = tonumber(redis.call('HGET', key(uid), 'retention_ms') or '')
  local enrolled_ms = tonumber(redis.call('ZSCORE', key(uid, 'enrolled'), id) or '')
  if not person or not kept_ms or enrolled_ms >= now - kept_ms then return told(uid, 'early') end
end
if person then
  local number = forget_person(uid, id, person)
  local version = redis.call('HGET', key(uid), 'version')
  certify(uid, certificate_id, id, #person.faces / FACE_BYTES, version, number)
  redis.call('HSET', key(uid, 'left'), id, 'd' .. certificate_id)
  audit(uid, args[4])
else
  certificate_id = string.match(redis.call('HGET', key(uid, 'left'), id) or '', '^d(.*)')
  if not certificate_id then return told(uid, 'free') end
end
return told(uid, 'done', certificate_id, certificate(certificate_id))
