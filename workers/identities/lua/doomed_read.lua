-- doomed_read(limit) -> { uid, all or leaves, uid, leaf, ... }
--
-- Keys that are to be destroyed: whole collections (uid, '*') first, then leaves, one a pair.

local limit, answer = tonumber(args[1]), {}
for _, uid in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'doomed_collections', limit)) do
  table.insert(answer, uid)
  table.insert(answer, '*')
end
for _, uid in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'dooming', limit)) do
  local left = limit - #answer / 2
  if left < 1 then break end
  for _, leaf in ipairs(redis.call('ZRANGE', key(uid, 'doomed'), 0, left - 1)) do
    table.insert(answer, uid)
    table.insert(answer, leaf)
  end
end
return answer
