-- certificates_sweep(limit, kept_ms) -> how many were deleted
--
-- Delete certificates of deletions so long ago, if all of it has happened, with what is remembered of who was deleted.
-- One that is not complete is looked at again a day later, and holds up no other.

local issued, until_ms, count = PREFIX .. 'issued', now - args[2], 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', issued, '-inf', whole(until_ms), 'LIMIT', 0, args[1])) do
  local found = redis.call('HMGET', certificate_key(id), 'owner', 'collection_uid', 'person_id', 'keys_destroyed_ms',
    'workers_cleared_ms', 'results_expire_ms')
  if found[4] and found[5] and tonumber(found[6]) < now then
    redis.call('DEL', certificate_key(id))
    redis.call('ZREM', PREFIX .. 'certificates:' .. found[1], id)
    redis.call('ZREM', issued, id)
    local left, gone = key(found[2], 'left'), PREFIX .. 'gone:' .. found[2]
    if redis.call('HGET', left, found[3]) == 'd' .. id then redis.call('HDEL', left, found[3]) end
    if redis.call('GET', gone) == id then redis.call('DEL', gone) end
    count = count + 1
  else
    redis.call('ZADD', issued, whole(until_ms + 86400000), id)
  end
end
return count
