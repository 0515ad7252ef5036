-- expired(limit) -> { uid, person, ... }
--
-- Persons whose last face was added too long ago; of one without a face it counts when they were made.

local limit, answer = tonumber(args[1]), {}
for _, uid in ipairs(redis.call('SMEMBERS', PREFIX .. 'retaining')) do
  local kept_ms = tonumber(redis.call('HGET', key(uid), 'retention_ms') or '')
  if kept_ms then
    local until_ms = '(' .. whole(now - kept_ms)
    local left = limit - #answer / 2
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(uid, 'enrolled'), '-inf', until_ms, 'LIMIT', 0, left)) do
      table.insert(answer, uid)
      table.insert(answer, id)
    end
  else
    redis.call('SREM', PREFIX .. 'retaining', uid)
  end
  if #answer / 2 >= limit then break end
end
return answer
