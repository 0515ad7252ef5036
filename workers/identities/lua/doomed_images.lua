-- doomed_images(limit) -> { image key, ... }
--
-- Photos that are to be deleted by now; those of deleted collections come in as there is room.

local limit, doomed, dropped = tonumber(args[1]), PREFIX .. 'doomed_images', PREFIX .. 'dropped'
for _, uid in ipairs(redis.call('SRANDMEMBER', dropped, limit)) do
  local room = limit - redis.call('ZCOUNT', doomed, '-inf', whole(now))
  if room < 1 then break end
  local images = key(uid, 'images')
  local rows = redis.call('HRANDFIELD', images, room, 'WITHVALUES') or {}
  for place = 1, #rows, 2 do
    redis.call('ZADD', doomed, whole(now), rows[place + 1])
    redis.call('HDEL', images, rows[place])
  end
  if redis.call('EXISTS', images) == 0 then redis.call('SREM', dropped, uid) end
end
return redis.call('ZRANGEBYSCORE', doomed, '-inf', whole(now), 'LIMIT', 0, limit)
