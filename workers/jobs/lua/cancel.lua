-- cancel(id) -> cancelled | asked | finished | missing
--
-- A job that waits ends here. One that runs gets a flag its worker looks at: it ends as cancelled
-- unless its end is written first.

local id = args[1]
local job = redis.call('HMGET', job_key(id), 'state', 'lease_ms', 'cancel')
local state = job[1]
if not state then return 'missing' end
if state == 'cancelled' then return 'cancelled' end
if state ~= 'queued' and state ~= 'running' then return 'finished' end
if state == 'queued' or tonumber(job[2]) <= now then
  end_job(id, 'cancelled', 'cancelled')
  return 'cancelled'
end
if not job[3] then
  redis.call('HSET', job_key(id), 'cancel', 1)
  tell(id, 'running', 'cancel_asked')
end
return 'asked'
