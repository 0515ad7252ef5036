-- take_due(limit, lease_ms) -> { id, secrets, flat delivery hash, ... }
--
-- Begins a try of each delivery that is due, at most limit of them. Whoever dies before it settles
-- one leaves it due again after lease_ms. Deliveries to webhooks that were deleted or disabled are
-- given up.

local answer = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, args[1])) do
  local delivery = redis.call('HMGET', delivery_key(id), 'hook', 'owner')
  local hook, owner = delivery[1], delivery[2]
  local secrets
  if not owner then
    redis.call('ZREM', DUE, id)
  elseif hook == '' then
    secrets = redis.call('GET', PREFIX .. 'secret:' .. owner)
    if not secrets then
      redis.call('HSET', delivery_key(id), 'error', 'no secret')
      settle(id, 'failed')
    end
  else
    local found = redis.call('HMGET', hook_key(hook), 'secrets', 'disabled')
    if not found[1] or found[2] ~= '' then
      redis.call('HSET', delivery_key(id), 'error', found[1] and 'disabled' or 'deleted')
      settle(id, 'failed')
    else
      secrets = found[1]
    end
  end
  if secrets then
    redis.call('HINCRBY', delivery_key(id), 'attempt', 1)
    redis.call('HSET', delivery_key(id), 'due_ms', now + args[2])
    redis.call('ZADD', DUE, now + args[2], id)
    for _, value in ipairs({ id, secrets, redis.call('HGETALL', delivery_key(id)) }) do
      table.insert(answer, value)
    end
  end
end
return answer
