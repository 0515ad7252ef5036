-- due(limit, resend_ms, resend_cap_ms) -> { id, flat job hash, ... }
--
-- Each returned job falls due again after resend_ms, doubled for every wake-up sent before.

local answer = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, args[1])) do
  local key = job_key(id)
  if redis.call('HGET', key, 'state') == 'queued' then
    local sends = redis.call('HINCRBY', key, 'sends', 1)
    local wait = math.min(tonumber(args[2]) * 2 ^ math.min(sends - 1, 20), tonumber(args[3]))
    redis.call('ZADD', DUE, now + wait, id)
    table.insert(answer, id)
    table.insert(answer, redis.call('HGETALL', key))
  else
    redis.call('ZREM', DUE, id)
  end
end
return answer
