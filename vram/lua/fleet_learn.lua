-- learn(now, weight, services, loads; field, ms, ..., model, ms, ..., model, MiB, ...) -> 1
-- `services` and `loads` count the first two kinds of pairs. Keys: see shared/fleet.lua.

local weight, services, loads = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function mean(key, field, text)
  local old, new = tonumber(redis.call('HGET', key, field) or nil), tonumber(text)
  if old then new = old + weight * (new - old) end
  redis.call('HSET', key, field, string.format('%.3f', new))
end

local place = 5
for _ = 1, services do
  mean(SERVICE, ARGV[place], ARGV[place + 1])
  place = place + 2
end
for _ = 1, loads do
  mean(LOAD, ARGV[place], ARGV[place + 1])
  place = place + 2
end
for i = place, #ARGV, 2 do redis.call('HSET', SIZE, ARGV[i], ARGV[i + 1]) end
return 1
