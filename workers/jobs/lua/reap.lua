-- reap(limit) -> { id, blobs, state, ... }
--
-- Jobs whose lease has ended are queued again, due now; those without attempts left fail, those
-- whose end was asked for are cancelled.

local answer = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, args[1])) do
  redis.call('ZREM', LEASES, id)
  local job = redis.call('HMGET', job_key(id), 'state', 'attempt', 'blobs', 'cancel')
  if job[1] == 'running' then
    local state = 'queued'
    if job[4] then
      state = 'cancelled'
      end_job(id, state, 'cancelled')
    elseif tonumber(job[2]) >= MAX_ATTEMPTS then
      state = 'failed'
      end_job(id, state, 'poisoned', 'error', ARGV[7])
    else
      redis.call('HSET', job_key(id), 'state', state, 'sends', 0)
      enqueue(id, now)
      tell(id, state, 'lease_ended')
    end
    for _, value in ipairs({ id, job[3] or '[]', state }) do table.insert(answer, value) end
  end
end
return answer
