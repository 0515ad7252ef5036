-- begin(chunk, fence, step, number, ...) -> { 'held', number, ... } | { 'lost' }
--
-- Counts a try of each item; repeating it with the same step counts none. Answers those that may be
-- worked on: one without tries left fails as poisoned.

local chunk, step = args[1], args[3]
local id = batch_of(chunk, args[2])
if not id then return { 'lost' } end
local tries, answer = batch_key(id, ':tries'), { 'held' }
local poisoned = false
for place = 4, #args do
  local number = args[place]
  if redis.call('HGET', batch_key(id, ':held'), number) == chunk then
    local count, mark = string.match(redis.call('HGET', tries, number) or '0 -', '^(%d+) (%S+)$')
    if mark ~= step and tonumber(count) >= MAX_ATTEMPTS then
      end_item(id, number, 'g', POISONED)
      poisoned = true
    else
      if mark ~= step then redis.call('HSET', tries, number, (count + 1) .. ' ' .. step) end
      table.insert(answer, tonumber(number))
    end
  end
end
if poisoned then
  changed(id, false)
  end_if_done(id)
end
return answer
