-- outlook(now, most, breaker_limit, open_ms, try_ms, model, ...)
-- -> {{record, breaker, ...}, live devices, cpu processes, {gpu ms, cpu ms, load ms, MiB, ...}}
-- Four figures for each model, nil where nothing was learned. Keys: see shared/fleet.lua.
--
-- Looks at no more than about 3 x most devices, whatever their number: a sample of the holders of
-- each model, the rarest first, because whoever holds that is likeliest to hold all; and those with
-- most room. All of them are asked about at once, so that the number of calls is that of the models.
-- The last place is kept for the one with most room: a model that is asked for more than its holders
-- can bear goes there.

local most, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local open_ms, try_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
forget_silent()
math.randomseed(tonumber(time[2]))

local ids, found = {}, {}
local function offer(more)
  for _, id in ipairs(more) do
    if not found[id] then
      found[id] = true
      ids[#ids + 1] = id
    end
  end
end

local holders, wanted = {}, #ARGV - 5
for i = 6, #ARGV do
  local count = redis.call('ZCARD', HOLDERS .. ARGV[i])
  if count > 0 then holders[#holders + 1] = { key = HOLDERS .. ARGV[i], count = count } end
end
table.sort(holders, function(a, b)
  if a.count ~= b.count then return a.count < b.count end
  return a.key < b.key
end)
for _, holder in ipairs(holders) do
  if #ids < 2 * most then offer(redis.call('ZRANDMEMBER', holder.key, most)) end
end
if most > 0 then offer(redis.call('ZREVRANGE', ROOM, 0, #ids < most and most - 1 or 0)) end

local pool = {}
if #ids > 0 then
  local until_ms = redis.call('ZMSCORE', SEEN, unpack(ids))
  local room = redis.call('ZMSCORE', ROOM, unpack(ids))
  local breakers = redis.call('HMGET', BREAKER, unpack(ids))
  local held = {}
  for _, holder in ipairs(holders) do
    held[#held + 1] = redis.call('ZMSCORE', holder.key, unpack(ids))
  end
  for i, id in ipairs(ids) do
    if tonumber(until_ms[i] or -1) < now then
      forget(id)
    else
      local one = { id = id, held = 0, free = tonumber(room[i]), chance = math.random() }
      for _, scores in ipairs(held) do one.held = one.held + tonumber(scores[i] or 0) end
      -- Room says nothing about a device that has everything already.
      one.room = one.held == 2 * wanted and 0 or one.free
      local failures, opened, tried = breaker_from(breakers[i])
      one.state = breaker_state(failures, opened, limit, open_ms)
      one.last = one.state ~= 'closed'
      if one.state == 'half_open' and now < tried + try_ms then one.state = 'open' end
      pool[#pool + 1] = one
    end
  end
end
table.sort(pool, function(a, b)
  if a.last ~= b.last then return b.last end
  if a.held ~= b.held then return a.held > b.held end
  if a.room ~= b.room then return a.room > b.room end
  return a.chance < b.chance
end)

if most > 1 and #pool > most then
  local widest = most
  for i = most + 1, #pool do
    if not pool[i].last and pool[i].free > pool[widest].free then widest = i end
  end
  pool[most] = pool[widest]
end

local chosen = {}
for i = 1, math.min(most, #pool) do
  local one = pool[i]
  chosen[i] = one.id
  if one.state == 'half_open' then
    local failures, opened = breaker_of(one.id)
    local text = failures .. ' ' .. whole(opened) .. ' ' .. whole(now)
    redis.call('HSET', BREAKER, one.id, text)
  end
end
local candidates = {}
if #chosen > 0 then
  for i, record in ipairs(redis.call('HMGET', RECORDS, unpack(chosen))) do
    candidates[2 * i - 1], candidates[2 * i] = record, pool[i].state
  end
end

local figures = {}
if wanted > 0 then
  local models, places = {}, {}
  for i = 6, #ARGV do
    models[#models + 1] = ARGV[i]
    places[#places + 1] = 'gpu:' .. ARGV[i]
    places[#places + 1] = 'cpu:' .. ARGV[i]
  end
  local service = redis.call('HMGET', SERVICE, unpack(places))
  local load = redis.call('HMGET', LOAD, unpack(models))
  local size = redis.call('HMGET', SIZE, unpack(models))
  for i = 1, wanted do
    figures[4 * i - 3], figures[4 * i - 2] = service[2 * i - 1], service[2 * i]
    figures[4 * i - 1], figures[4 * i] = load[i], size[i]
  end
end
local live = redis.call('ZCOUNT', SEEN, whole(now), '+inf')
local cpu = redis.call('ZCOUNT', CPU, whole(now), '+inf')
return { candidates, live, cpu, figures }
