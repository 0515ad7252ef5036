-- collection_change(uid, revision, audit, name, value, ...) -> { done | stale, keys_version, view } | missing
--
-- Write fields of a collection's settings. revision: '' for any. Those that are there already change nothing.

local uid, is_same = args[1], true
if is_missing(uid) then return { 'missing' } end
for place = 4, #args, 2 do
  is_same = is_same and redis.call('HGET', key(uid), args[place]) == args[place + 1]
end
if is_same then return told(uid, 'done', view(uid)) end
if args[2] ~= '' and args[2] ~= redis.call('HGET', key(uid), 'revision') then return told(uid, 'stale', view(uid)) end
for place = 4, #args, 2 do redis.call('HSET', key(uid), args[place], args[place + 1]) end
local is_retaining = redis.call('HGET', key(uid), 'retention_ms') ~= ''
redis.call(is_retaining and 'SADD' or 'SREM', PREFIX .. 'retaining', uid)
changed(uid)
audit(uid, args[3])
return told(uid, 'done', view(uid))
