-- end_items(chunk, fence, busy_ms, number, letter, text, ...) -> { held | lost }
--
-- Writes the ends of a chunk's items; one that has ended keeps its end. text: answer or error, JSON.

local chunk, busy_ms = args[1], tonumber(args[3])
local id = batch_of(chunk, args[2])
if not id then return { 'lost' } end
local key, written = batch_key(id), 0
for place = 4, #args, 3 do
  if redis.call('HGET', batch_key(id, ':held'), args[place]) == chunk then
    end_item(id, args[place], args[place + 1], args[place + 2])
    written = written + 1
  end
end
if written == 0 then return { 'held' } end

local known = redis.call('HMGET', key, 'item_ms', 'done', 'mark_ms', 'mark_done')
local item_ms = busy_ms * 3 / (#args - 3)
if known[1] then item_ms = known[1] + 0.25 * (item_ms - known[1]) end
if not known[3] then
  local since_ms = now - math.floor(busy_ms)
  redis.call('HSET', key, 'mark_ms', since_ms, 'mark_done', known[2], 'before_ms', since_ms,
    'before_done', known[2])
elseif now - known[3] >= WINDOW_MS then
  redis.call('HSET', key, 'before_ms', known[3], 'before_done', known[4], 'mark_ms', now,
    'mark_done', known[2] + written)
end
redis.call('HSET', key, 'item_ms', string.format('%.3f', item_ms))
redis.call('HINCRBY', key, 'done', written)
changed(id, false)
end_if_done(id)
return { 'held' }
