-- finish(id, fence, state, why, field, value) -> 1 | 0
--
-- Ends a job: state is succeeded, failed or cancelled; field is result or error and value its
-- JSON, neither is given for cancelled.
-- Returns 0 when the fence is not the job's; 1 also when this very end was written before.

local id, state = args[1], args[3]
local job = redis.call('HMGET', job_key(id), 'state', 'fence')
if job[2] ~= args[2] then return 0 end
if job[1] == state then return 1 end
if job[1] ~= 'running' then return 0 end
end_job(id, state, args[4], args[5], args[6])
return 1
