-- doomed_read(limit) -> { uid, all or leaf, keys_version, ... }
--
-- Keys that are to be destroyed: whole collections (uid, '*', '0') first, then leaves, one each. keys_version: the oldest
-- of that collection's keys that may be believed.

local limit, answer = tonumber(args[1]), {}
for _, uid in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'doomed_collections', limit)) do
  for _, part in ipairs({ uid, '*', '0' }) do table.insert(answer, part) end
end
for _, uid in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'dooming', limit)) do
  local left, version = limit - #answer / 3, redis.call('HGET', key(uid), 'keys_version') or '0'
  if left < 1 then break end
  for _, leaf in ipairs(redis.call('ZRANGE', key(uid, 'doomed'), 0, left - 1)) do
    for _, part in ipairs({ uid, leaf, version }) do table.insert(answer, part) end
  end
end
return answer
