-- reconcile(limit) -> how many certificates still wait for workers
--
-- A process that has followed to a certificate's version, holds no index, or is silent has forgotten.

local uncleared = PREFIX .. 'uncleared'
for _, id in ipairs(redis.call('ZRANGE', uncleared, 0, args[1] - 1)) do
  local found = redis.call('HMGET', certificate_key(id), 'collection_uid', 'version')
  local is_clear, followers = true, redis.call('HGETALL', key(found[1], 'followers'))
  for place = 1, #followers, 2 do
    local version, until_ms = string.match(followers[place + 1], '^(%d+) (%d+)$')
    if tonumber(until_ms) < now then
      redis.call('HDEL', key(found[1], 'followers'), followers[place])
    elseif tonumber(version) < tonumber(found[2]) then
      is_clear = false
    end
  end
  if is_clear then
    redis.call('HSET', certificate_key(id), 'workers_cleared_ms', whole(now))
    redis.call('ZREM', uncleared, id)
  else
    -- Behind the others: who waits long keeps nobody waiting.
    redis.call('ZADD', uncleared, whole(now), id)
  end
end
return redis.call('ZCARD', uncleared)
