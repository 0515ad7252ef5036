-- ring_add(key_id, record, sealed_by, signs_since_ms, verifies_since_ms) -> kept | another
--
-- Keeps a new signing key, unless another one of the same seal signs by now; deletes those whose
-- tokens have all expired. Repeating it changes nothing.

local ring, retired = PREFIX .. 'signing_keys', PREFIX .. 'retired_keys'
local stored = redis.call('HGETALL', ring)
local another = false
for place = 1, #stored, 2 do
  local id, key = stored[place], cjson.decode(stored[place + 1])
  if key.created_ms < tonumber(args[5]) then
    redis.call('HDEL', ring, id)
    redis.call('HDEL', retired, id)
  elseif id ~= args[1] and key.sealed_by == args[3] and key.created_ms > tonumber(args[4]) then
    another = another or redis.call('HEXISTS', retired, id) == 0
  end
end
if another then return 'another' end
redis.call('HSET', ring, args[1], args[2])
return 'kept'
