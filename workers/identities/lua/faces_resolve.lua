-- faces_resolve(uid, face, ...) -> { found, keys_version, { person, leaf, ... }, person, record, ... } | missing
--
-- Of each face the person it belongs to now, or '', and its leaf; and each of these persons once.

local uid, owners, seen = args[1], {}, {}
if is_missing(uid) then return { 'missing' } end
local answer = told(uid, 'found', owners)
local faces = faces_key(uid, redis.call('HGET', key(uid), 'generation'))
for place = 2, #args do
  local record = redis.call('HGET', faces, args[place])
  local leaf, _, id = string.match(record or '', FACE)
  table.insert(owners, id or '')
  table.insert(owners, leaf or 0)
  if id and not seen[id] then
    seen[id] = true
    table.insert(answer, id)
    table.insert(answer, redis.call('HGET', key(uid, 'persons'), id))
  end
end
return answer
