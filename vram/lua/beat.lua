-- beat(device_id, incarnation) -> 'ok' | 'unknown_device'
--
-- Notes a sign of life. 'unknown_device': not registered, or by another incarnation.
--
-- KEYS[1]  hash  fs:{vram}:devices   device id -> JSON record
-- KEYS[2]  hash  fs:{vram}:seen      device id -> last sign of life, ms of the server's clock
-- ARGV     device id, incarnation

local device, incarnation = ARGV[1], tonumber(ARGV[2])
local held = redis.call('HGET', KEYS[1], device)
if not held or cjson.decode(held).incarnation ~= incarnation then return 'unknown_device' end
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('HSET', KEYS[2], device, string.format('%.0f', now_ms))
return 'ok'
