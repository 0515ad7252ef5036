-- unfinished(chunk, fence, number, ...) -> { 'held', number, record, tries, keeps_photo, leaf or '', ... } | { 'lost' }
--
-- Those items of a chunk that have not ended. Changes nothing.

local chunk = args[1]
local id = batch_of(chunk, args[2])
if not id then return { 'lost' } end
local answer, keeps_photo = { 'held' }, redis.call('HGET', batch_key(id), 'keep_photos') or '0'
for place = 3, #args do
  local number = args[place]
  if redis.call('HGET', batch_key(id, ':held'), number) == chunk then
    table.insert(answer, tonumber(number))
    table.insert(answer, redis.call('HGET', batch_key(id, ':items'), number))
    table.insert(answer, redis.call('HGET', batch_key(id, ':tries'), number) or '0')
    table.insert(answer, keeps_photo)
    table.insert(answer, redis.call('HGET', batch_key(id, ':leaves'), number) or '')
  end
end
return answer
