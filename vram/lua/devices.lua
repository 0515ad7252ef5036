-- devices() -> {now ms, {id, record, ...}, {id, seen ms, ...}, {field, entry, ...}}
--
-- Everything the ledger holds at one moment of the server's clock.
--
-- KEYS[1]  hash  fs:{vram}:devices     device id -> JSON record
-- KEYS[2]  hash  fs:{vram}:seen        device id -> last sign of life, ms of the server's clock
-- KEYS[3]  hash  fs:{vram}:residents   JSON [device id, model] -> JSON {vram_bytes, basis}

local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
return {
  now_ms,
  redis.call('HGETALL', KEYS[1]),
  redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
}
