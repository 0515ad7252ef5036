-- certificate_list(owner, limit, after) -> { is_more, certificate id, flat certificate hash, ... }
--
-- An owner's certificates, the latest first, from behind one on; after: '' from the beginning.

local list, limit, from = PREFIX .. 'certificates:' .. args[1], tonumber(args[2]), 0
if args[3] ~= '' then
  local rank = redis.call('ZREVRANK', list, args[3])
  if not rank then return { 0 } end
  from = rank + 1
end
local ids = redis.call('ZREVRANGE', list, from, from + limit)
local answer = { #ids > limit and 1 or 0 }
for place = 1, math.min(#ids, limit) do
  table.insert(answer, ids[place])
  table.insert(answer, certificate(ids[place]))
end
return answer
