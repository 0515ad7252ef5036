-- collection_create(uid, id, owner, most, audit, name, value, ...) -> { new | known | too_many, keys_version, uid, view }
--
-- The owner's collection of that id, made if there is none; names and values are fields of its hash.

local uid, list = args[1], PREFIX .. 'collections:' .. args[3]
local known = redis.call('HGET', list, args[2])
if known then return told(known, 'known', known, view(known)) end
if redis.call('HLEN', list) >= tonumber(args[4]) then return { 'too_many', '0' } end
redis.call('HSET', list, args[2], uid)
redis.call('HSET', key(uid), 'id', args[2], 'owner', args[3], 'generation', 1, 'generations', 1, 'version', 0, 'mark', '', 'revision', 1,
  'keys_version', 0, 'leaf', 0, 'dooms', 0, 'number', 0, 'results_sealed_ms', 0, 'created_ms', whole(now), 'updated_ms', whole(now))
for place = 6, #args, 2 do redis.call('HSET', key(uid), args[place], args[place + 1]) end
if redis.call('HGET', key(uid), 'retention_ms') ~= '' then redis.call('SADD', PREFIX .. 'retaining', uid) end
audit(uid, args[5])
return told(uid, 'new', uid, view(uid))
