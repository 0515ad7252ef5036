-- give_back(id, fence, counted) -> 1 | 0
--
-- Queues a running job again, due now. counted: 1 leaves the attempt counted, 0 takes it back.
-- Returns 0 when the fence is not the job's, or it has ended; 1 also when it was given back before.

local id = args[1]
local job = redis.call('HMGET', job_key(id), 'state', 'fence', 'attempt', 'cancel')
if job[2] ~= args[2] then return 0 end
if job[1] == 'queued' then return 1 end
if job[1] ~= 'running' then return 0 end
if job[4] then
  end_job(id, 'cancelled', 'cancelled')
  return 1
end
local attempt = tonumber(job[3]) - (args[3] == '1' and 0 or 1)
redis.call('ZREM', LEASES, id)
redis.call('HSET', job_key(id), 'state', 'queued', 'attempt', attempt, 'sends', 0)
enqueue(id, now)
tell(id, 'queued', 'given_back')
return 1
