-- add(id, custom_id, record, error, leaf, ...) -> { 'added', number, is_new, ... }
--
-- Adds items, all or none. record: see batch:<id>:items. error: of an item that has failed already,
-- JSON; else "". leaf: of the person it shows, or ""; that of an item that is there stays as it is.
-- Or: { 'conflict', custom_id, ... } | closed | full | missing | expired.

local id, key, ids, items = args[1], batch_key(args[1]), batch_key(args[1], ':ids'),
  batch_key(args[1], ':items')
local batch = redis.call('HMGET', key, 'state', 'total', 'pending', 'running')
if not batch[1] then return missing(id) end

local total, fresh, conflicts = tonumber(batch[2]), {}, { 'conflict' }
local seen, answer = {}, { 'added' }
for place = 2, #args, 4 do
  local custom_id, record = args[place], args[place + 1]
  local number = redis.call('HGET', ids, custom_id)
  local stored = number and redis.call('HGET', items, number)
  local again = seen[custom_id]
  if again then number, stored = again[1], again[2] end
  if not number then
    table.insert(fresh, place)
    number = total + #fresh
    seen[custom_id] = { number, record }
    table.insert(answer, number)
    table.insert(answer, 1)
  else
    if stored ~= record then table.insert(conflicts, custom_id) end
    table.insert(answer, tonumber(number))
    table.insert(answer, 0)
  end
end
if #conflicts > 1 then return conflicts end
if #fresh == 0 then return answer end
if batch[1] ~= 'open' then return { 'closed' } end
if total + #fresh > MOST_ITEMS then return { 'full' } end

local letters, failed = {}, 0
for place, from in ipairs(fresh) do
  local number = total + place
  redis.call('HSET', items, number, args[from + 1])
  redis.call('HSET', ids, args[from], number)
  if args[from + 2] == '' then
    letters[place] = 'p'
  else
    letters[place], failed = 'x', failed + 1
    redis.call('HSET', batch_key(id, ':ends'), number, '0:' .. args[from + 2])
  end
  if args[from + 3] ~= '' then redis.call('HSET', batch_key(id, ':leaves'), number, args[from + 3]) end
end
redis.call('APPEND', batch_key(id, ':states'), table.concat(letters))
redis.call('HINCRBY', key, 'total', #fresh)
redis.call('HINCRBY', key, 'failed', failed)
redis.call('HINCRBY', key, 'pending', #fresh - failed)
redis.call('HSET', key, 'added_ms', now)
-- Nothing was done for a while because nothing was there: that is not measured.
if batch[3] == '0' and batch[4] == '0' then redis.call('HDEL', key, 'mark_ms') end
changed(id, total == 0)
return answer
