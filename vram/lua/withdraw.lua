-- withdraw(device_id, incarnation) -> 'ok'
--
-- Forgets a device and what it held. Changes nothing when it is not registered or a newer
-- incarnation holds it.
--
-- KEYS[1]  hash  fs:{vram}:devices     device id -> JSON record
-- KEYS[2]  hash  fs:{vram}:seen        device id -> last sign of life, ms of the server's clock
-- KEYS[3]  hash  fs:{vram}:residents   JSON [device id, model] -> JSON {vram_bytes, basis}
-- ARGV     device id, incarnation

local device, incarnation = ARGV[1], tonumber(ARGV[2])
local held = redis.call('HGET', KEYS[1], device)
if not held or cjson.decode(held).incarnation > incarnation then return 'ok' end
for _, field in ipairs(redis.call('HKEYS', KEYS[3])) do
  if cjson.decode(field)[1] == device then redis.call('HDEL', KEYS[3], field) end
end
redis.call('HDEL', KEYS[1], device)
redis.call('HDEL', KEYS[2], device)
return 'ok'
