-- register(device_id, incarnation, record) -> 'ok' | 'unknown_device'
--
-- Announces a device with nothing resident; replaces an older incarnation and what it held.
-- The same incarnation again changes nothing; 'unknown_device': a newer one holds the device.
--
-- KEYS[1]  hash  fs:{vram}:devices     device id -> JSON record, as the client wrote it
-- KEYS[2]  hash  fs:{vram}:seen        device id -> last sign of life, ms of the server's clock
-- KEYS[3]  hash  fs:{vram}:residents   JSON [device id, model] -> JSON {vram_bytes, basis}
-- ARGV     device id, incarnation, JSON record

local device, incarnation = ARGV[1], tonumber(ARGV[2])
local held = redis.call('HGET', KEYS[1], device)
if held then
  local holder = cjson.decode(held).incarnation
  if holder > incarnation then return 'unknown_device' end
  if holder == incarnation then return 'ok' end
end
for _, field in ipairs(redis.call('HKEYS', KEYS[3])) do
  if cjson.decode(field)[1] == device then redis.call('HDEL', KEYS[3], field) end
end
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[1], device, ARGV[3])
redis.call('HSET', KEYS[2], device, string.format('%.0f', now_ms))
return 'ok'
