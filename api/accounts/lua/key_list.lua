-- key_list(user) -> { { id, flat key hash }, ... }, newest first

local found = {}
for _, id in ipairs(live_keys(args[1])) do
  table.insert(found, { id, redis.call('HGETALL', key_key(id)) })
end
return found
