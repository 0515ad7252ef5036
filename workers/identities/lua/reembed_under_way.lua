-- reembed_under_way(limit) -> { uid, job, ... }
--
-- Collections whose model is being changed, in no order, and the jobs that do it.

local answer = {}
for _, uid in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'changing', args[1])) do
  local job = redis.call('HGET', key(uid), 'next_job')
  if job then
    table.insert(answer, uid)
    table.insert(answer, job)
  else
    redis.call('SREM', PREFIX .. 'changing', uid)
  end
end
return answer
