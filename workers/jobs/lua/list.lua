-- list(owner, limit, looks, after_ms, after_id, state, tag)
--   -> { after_ms, after_id, id, flat job hash without its result, ... }
--
-- An owner's listed jobs, the latest first, from after a place on; both '' for the first page. Only
-- jobs in that state and with that tag, where they are given; at most so many are looked at. The
-- place answered is where the next page begins, '' at the end of the list.

local index, limit, looks = owned_key(args[1]), tonumber(args[2]), tonumber(args[3])
local after_ms, after_id, state, tag = tonumber(args[4]), args[5], args[6], args[7]

local function brief(id)
  local fields, flat = {}, {}
  for _, field in ipairs(redis.call('HKEYS', job_key(id))) do
    if field ~= 'result' then table.insert(fields, field) end
  end
  for place, value in ipairs(redis.call('HMGET', job_key(id), unpack(fields))) do
    table.insert(flat, fields[place])
    table.insert(flat, value)
  end
  return flat
end

local function fits(job)
  if state ~= '' and job[1] ~= state then return false end
  return tag == '' or string.find(job[2] or '', '"' .. tag .. '"', 1, true) ~= nil
end

local answer, expired, looked = { '', '' }, {}, 0

-- Fill the answer; true when the list goes on after it.
local function fill()
  local offset = 0
  while true do
    local found = redis.call('ZREVRANGEBYSCORE', index, after_ms and args[4] or '+inf', '-inf',
      'WITHSCORES', 'LIMIT', offset, 100)
    for place = 1, #found, 2 do
      local id, score = found[place], found[place + 1]
      -- Of one millisecond, ids go downwards.
      if not after_ms or tonumber(score) < after_ms or id < after_id then
        if looked == looks or #answer == 2 * limit + 2 then return true end
        looked = looked + 1
        answer[1], answer[2] = score, id
        local job = redis.call('HMGET', job_key(id), 'state', 'tags')
        if not job[1] then
          table.insert(expired, id)
        elseif fits(job) then
          table.insert(answer, id)
          table.insert(answer, brief(id))
        end
      end
    end
    if #found < 200 then return false end
    offset = offset + 100
  end
end

if not fill() then answer[1], answer[2] = '', '' end
for _, id in ipairs(expired) do redis.call('ZREM', index, id) end
return answer
