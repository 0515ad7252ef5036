-- publish(now, id, record, incarnation, version, live_ms, free_mib; resident, ..., '', coming, ...)
-- -> 1, or 0 when a newer summary is there. Keys: see shared/fleet.lua.

local id, incarnation, version = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
forget_silent()
local known, latest = string.match(redis.call('HGET', ORDER, id) or '0 0', '(%d+) (%d+)')
known, latest = tonumber(known), tonumber(latest)
if known > incarnation or (known == incarnation and latest > version) then return 0 end

unlist(id)
local models, score = {}, 2
for i = 8, #ARGV do
  if ARGV[i] == '' then
    score = 1
  else
    models[#models + 1] = ARGV[i]
    redis.call('ZADD', HOLDERS .. ARGV[i], score, id)
  end
end
redis.call('HSET', RECORDS, id, ARGV[3])
redis.call('HSET', ORDER, id, ARGV[4] .. ' ' .. ARGV[5])
redis.call('HSET', MODELS, id, table.concat(models, '\n'))
redis.call('ZADD', ROOM, ARGV[7], id)
redis.call('ZADD', SEEN, whole(now + ARGV[6]), id)
return 1
