-- admit(device_id, incarnation, field, entry) -> {reason, free bytes after the decision}
--
-- reason: 'access_existing'     the model is resident; its bytes stay as they are
--         'direct_allocation'   it fits and is booked now
--         'insufficient_space'  it does not fit; nothing changed
--         'unknown_device'      not registered, or by another incarnation
-- The sum is taken from the entries each time; a stored counter could drift from them.
--
-- KEYS[1]  hash  fs:{vram}:devices     device id -> JSON record
-- KEYS[2]  hash  fs:{vram}:residents   JSON [device id, model] -> JSON {vram_bytes, basis}
-- ARGV     device id, incarnation, JSON [device id, model], JSON {vram_bytes, basis}

local device, incarnation, field, entry = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local held = redis.call('HGET', KEYS[1], device)
if not held then return {'unknown_device', 0} end
local record = cjson.decode(held)
if record.incarnation ~= incarnation then return {'unknown_device', 0} end

local free = math.max(0, record.total_bytes - record.reserved_bytes)
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if cjson.decode(all[i])[1] == device then free = free - cjson.decode(all[i + 1]).vram_bytes end
end

if redis.call('HEXISTS', KEYS[2], field) == 1 then return {'access_existing', free} end
local wanted = cjson.decode(entry).vram_bytes
if wanted > free then return {'insufficient_space', free} end
redis.call('HSET', KEYS[2], field, entry)
return {'direct_allocation', free - wanted}
