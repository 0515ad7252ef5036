-- next_incarnation(counter; clock_ms) -> number as text
--
-- Greater than any given out before. It follows the server's clock, so that it keeps growing when the
-- store loses its data.
--
-- KEYS[1] counter  string  fs:{vram}:incarnation, the last number given out on any device
-- ARGV[1]  ms of a test's clock, '' for the server's

local micros
if ARGV[1] ~= '' then
  micros = tonumber(ARGV[1]) * 1000
else
  local time = redis.call('TIME')
  micros = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
-- '%.0f': a plain number would be written as 1.7e+15.
local number = string.format('%.0f', math.max(last + 1, micros))
redis.call('SET', KEYS[1], number)
return number
