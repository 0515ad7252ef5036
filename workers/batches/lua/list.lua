-- list(owner, limit, look, before_ms, before_id, state, tag)
--   -> { created_ms, id, now, flat batch hash, ..., next_ms, next_id }
--
-- An owner's batches, the latest first, from the one before a place on: at most limit of them among
-- at most look. before_ms: "+inf" from the beginning. state, tag: "" for any. The last two are
-- where to go on, or "" and "".

local owner, limit, look = args[1], tonumber(args[2]), tonumber(args[3])
local index, answer, found, seen = batches_of(args[1]), {}, 0, 0
local rows = redis.call('ZREVRANGEBYSCORE', index, args[4], '-inf', 'WITHSCORES', 'LIMIT', 0, look + 64)
for place = 1, #rows, 2 do
  local id, created_ms = rows[place], rows[place + 1]
  -- Those of the same millisecond come in the descending order of their ids.
  if created_ms ~= args[4] or id < args[5] then
    if found == limit or seen == look then
      local last = rows[place - 2]
      table.insert(answer, rows[place - 1])
      table.insert(answer, last)
      return answer
    end
    seen = seen + 1
    local batch = redis.call('HMGET', batch_key(id), 'state', 'tags')
    local is_wanted = batch[1] and (args[6] == '' or args[6] == batch[1])
    if not batch[1] then redis.call('ZREM', index, id) end
    if is_wanted and args[7] ~= '' then
      is_wanted = false
      for _, tag in ipairs(cjson.decode(batch[2])) do is_wanted = is_wanted or tag == args[7] end
    end
    if is_wanted then
      found = found + 1
      table.insert(answer, created_ms)
      table.insert(answer, id)
      for _, value in ipairs(view(id)) do table.insert(answer, value) end
    end
  end
end
table.insert(answer, '')
table.insert(answer, '')
return answer
