-- renew(job, leases; id, fence, lease_ms) -> 1 | 0
--
-- KEYS[1] job     hash  one job
-- KEYS[2] leases  zset  running job ids by the time (ms) their lease ends
-- Returns 0 when another worker has the job or it has ended.

local job = redis.call('HMGET', KEYS[1], 'state', 'fence')
if job[1] ~= 'running' or job[2] ~= ARGV[2] then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'lease_ms', now + ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
return 1
