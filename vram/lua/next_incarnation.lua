-- next_incarnation() -> integer
--
-- A number greater than any given out before. It follows the server's clock, so that it keeps
-- growing when the store loses its data.
--
-- KEYS[1]  string  fs:{vram}:incarnation   the last number given out

local time = redis.call('TIME')
local now_microseconds = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
local next_number = math.max(last + 1, now_microseconds)
-- '%.0f': a plain number would be written as 1.7e+15.
redis.call('SET', KEYS[1], string.format('%.0f', next_number))
return next_number
