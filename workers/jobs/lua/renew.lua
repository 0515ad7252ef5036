-- renew(id, fence, id, fence, ...) -> { standing, ... }
--
-- Extends leases. standing: held | cancelled (held, and its end was asked for) | lost (another
-- worker has the job, or it has ended).

local answer = {}
for place = 1, #args, 2 do
  local id = args[place]
  local job = redis.call('HMGET', job_key(id), 'state', 'fence', 'cancel')
  if job[1] ~= 'running' or job[2] ~= args[place + 1] then
    table.insert(answer, 'lost')
  else
    redis.call('HSET', job_key(id), 'lease_ms', now + LEASE_MS)
    redis.call('ZADD', LEASES, now + LEASE_MS, id)
    table.insert(answer, job[3] and 'cancelled' or 'held')
  end
end
return answer
