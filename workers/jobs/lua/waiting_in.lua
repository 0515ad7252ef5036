-- waiting_in(queue, limit) -> { id, flat job hash, ... }
--
-- The waiting jobs of a queue, oldest first. Changes nothing.

local answer = {}
for _, id in ipairs(redis.call('ZRANGE', waiting_key(args[1]), 0, args[2] - 1)) do
  if redis.call('HGET', job_key(id), 'state') == 'queued' then
    table.insert(answer, id)
    table.insert(answer, redis.call('HGETALL', job_key(id)))
  end
end
return answer
