-- destroyed(uid, keys_version, leaf, ...) -> how many certificates waited for nothing else
--
-- Note that keys were destroyed; leaf: '*' for all of a collection's.

local uid, left, answer = args[1], nil, 0
if args[3] == '*' then
  redis.call('SREM', PREFIX .. 'doomed_collections', uid)
else
  for place = 3, #args do redis.call('ZREM', key(uid, 'doomed'), args[place]) end
  left = redis.call('ZRANGE', key(uid, 'doomed'), 0, 0, 'WITHSCORES')[2]
  if not left then redis.call('SREM', PREFIX .. 'dooming', uid) end
  if not is_missing(uid) and tonumber(args[2]) > tonumber(redis.call('HGET', key(uid), 'keys_version')) then
    redis.call('HSET', key(uid), 'keys_version', args[2])
  end
  -- The collection was deleted meanwhile: its certificates wait for all of its keys.
  if redis.call('SISMEMBER', PREFIX .. 'doomed_collections', uid) == 1 then return 0 end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key(uid, 'waiting'), '-inf', left and '(' .. left or '+inf')) do
  redis.call('HSET', certificate_key(id), 'keys_destroyed_ms', whole(now))
  redis.call('ZREM', key(uid, 'waiting'), id)
  answer = answer + 1
end
return answer
