-- take_back(chunk, fence, step, number, ...) -> { held | lost }
--
-- Undoes begin for items that have not ended.

local chunk, step = args[1], args[3]
local id = batch_of(chunk, args[2])
if not id then return { 'lost' } end
local tries = batch_key(id, ':tries')
for place = 4, #args do
  local number = args[place]
  local count, mark = string.match(redis.call('HGET', tries, number) or '', '^(%d+) (%S+)$')
  if mark == step then
    if count == '1' then
      redis.call('HDEL', tries, number)
    else
      redis.call('HSET', tries, number, (count - 1) .. ' -')
    end
  end
end
return { 'held' }
