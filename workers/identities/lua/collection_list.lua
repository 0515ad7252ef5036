-- collection_list(owner, limit, after) -> { is_more, uid, view, ... }
--
-- An owner's collections by their ids, from behind one on.

local list, limit, answer = PREFIX .. 'collections:' .. args[1], tonumber(args[2]), { 0 }
local ids = redis.call('HKEYS', list)
table.sort(ids)
for _, id in ipairs(ids) do
  if id > args[3] then
    if #answer == 2 * limit + 1 then
      answer[1] = 1
      break
    end
    local uid = redis.call('HGET', list, id)
    table.insert(answer, uid)
    table.insert(answer, view(uid))
  end
end
return answer
