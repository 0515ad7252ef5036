-- expedite(id) -> 1 | 0
--
-- Makes a queued job's wake-up due now. Returns 0 when the job is not queued.

local id = args[1]
if redis.call('HGET', job_key(id), 'state') ~= 'queued' then return 0 end
redis.call('HSET', job_key(id), 'sends', 0)
redis.call('ZADD', DUE, now, id)
return 1
