-- expedite(job, due; id) -> 1 | 0
--
-- KEYS[1] job  hash  one job
-- KEYS[2] due  zset  queued job ids by the time (ms) their wake-up is due

if redis.call('HGET', KEYS[1], 'state') ~= 'queued' then return 0 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'sends', 0)
redis.call('ZADD', KEYS[2], t[1] * 1000 + math.floor(t[2] / 1000), ARGV[1])
return 1
