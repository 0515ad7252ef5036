-- release(device_id, incarnation, field) -> 'ok' | 'unknown_device'
--
-- Gives a model's bytes back; one that is not resident changes nothing.
-- 'unknown_device': not registered, or by another incarnation.
--
-- KEYS[1]  hash  fs:{vram}:devices     device id -> JSON record
-- KEYS[2]  hash  fs:{vram}:residents   JSON [device id, model] -> JSON {vram_bytes, basis}
-- ARGV     device id, incarnation, JSON [device id, model]

local device, incarnation, field = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local held = redis.call('HGET', KEYS[1], device)
if not held or cjson.decode(held).incarnation ~= incarnation then return 'unknown_device' end
redis.call('HDEL', KEYS[2], field)
return 'ok'
