-- book: one device as an operation sees it. It is read once, changed in memory, and written once,
-- at the end: an operation that fails half-way has written nothing.
--
-- KEYS[1] device    hash    layout, device (JSON of its registration), gen, version, foreign, pressure,
--                           inflation, seen_ms, observed_mib, observed_ms, evicted (JSON: ms of each
--                           eviction of the last minute), shadow (JSON: [model, MiB] that plain LRU
--                           would hold), wishes (commands so far), n:<counter>
-- KEYS[2] entries   hash    gen -> JSON
-- KEYS[3] models    hash    model -> JSON
-- KEYS[4] commands  hash    id -> JSON
-- KEYS[5] events    stream  every transition and decision
-- ARGV[1]  ms of a test's clock, '' for the server's
-- ARGV[2]  incarnation of the caller, '' for anybody

local LAYOUT = '1'
-- States that count in what will be there, and in what may be there now.
local PLANNED = { reserved = true, loading = true, ready = true, lost = true }
local PHYSICAL = { loading = true, ready = true, draining = true, unloading = true, lost = true }
-- Scalars of the device's hash that change.
local SCALARS = { 'gen', 'version', 'foreign', 'pressure', 'inflation', 'seen_ms', 'observed_mib',
  'observed_ms', 'wishes' }

-- Lists of the device's hash, JSON.
local LISTS = { 'evicted', 'shadow' }

-- Exact below 2^53, unlike tostring.
local function text_of(number) return string.format('%.17g', number) end

local function ms(seconds) return math.floor(seconds * 1000 + 0.5) end

local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]), tonumber(ARGV[1]) * 1000 end
  local time = redis.call('TIME')
  local seconds, micros = tonumber(time[1]), tonumber(time[2])
  return seconds * 1000 + math.floor(micros / 1000), seconds * 1000000 + micros
end

local function read_entries(book)
  local flat = redis.call('HGETALL', KEYS[2])
  for i = 2, #flat, 2 do table.insert(book.entries, cjson.decode(flat[i])) end
  table.sort(book.entries, function(a, b) return a.gen < b.gen end)
end

-- The book, whoever asks; book.device is nil where nobody registered.
local function read_book()
  local now, micros = clock()
  local book = { now = now, micros = micros, fields = {}, entries = {}, dirty = {}, gone = {},
    models = {}, changed_models = {}, events = {}, counts = {} }
  local flat = redis.call('HGETALL', KEYS[1])
  for i = 1, #flat, 2 do book.fields[flat[i]] = flat[i + 1] end
  local fields = book.fields
  if not fields.layout then return book end
  if fields.layout ~= LAYOUT then
    return book, redis.error_reply('LAYOUT ' .. fields.layout .. ' of ' .. KEYS[1] .. ' is unknown')
  end
  book.device = cjson.decode(fields.device)
  book.limits = book.device.limits
  for _, name in ipairs(SCALARS) do book[name] = tonumber(fields[name]) end
  book.evicted = cjson.decode(fields.evicted)
  read_entries(book)
  return book
end

-- The book for the caller, or nil and what to answer.
local function open_book()
  local book, refusal = read_book()
  if refusal then return nil, refusal end
  if not book.device then return nil, 'unknown_device' end
  if ARGV[2] ~= '' and book.device.incarnation ~= tonumber(ARGV[2]) then
    return nil, 'unknown_device'
  end
  return book
end

local function entry_of(book, gen)
  for _, entry in ipairs(book.entries) do
    if entry.gen == gen then return entry end
  end
end

local function entry_with(book, model)
  for _, entry in ipairs(book.entries) do
    if entry.model == model then return entry end
  end
end

local function sum_of(book, states)
  local sum = 0
  for _, entry in ipairs(book.entries) do
    if states[entry.state] then sum = sum + entry.vram_mib end
  end
  return sum
end

local function base_of(device)
  local taken = device.reserved_mib + device.context_mib + device.headroom_mib
  return math.max(0, device.total_mib - taken)
end

local function usable_of(book) return math.max(0, base_of(book.device) - book.foreign) end

local function is_pinned(entry) return next(entry.pins) ~= nil end

local function count(book, name, by) book.counts[name] = (book.counts[name] or 0) + (by or 1) end

local function touch(book, entry) book.dirty[entry.gen] = entry end

-- One event, with the sums as they are at this moment. `entry` may be gone, or nil: the event is of
-- `model` then, or of the whole device.
local function note(book, op, why, entry, detail, model)
  local is_there = entry and not book.gone[entry.gen]
  local told = {}
  for key, value in pairs(detail or {}) do
    told[key] = type(value) == 'number' and text_of(value) or tostring(value)
  end
  table.insert(book.events, { 'op', op, 'why', why, 'model', entry and entry.model or model or '',
    'gen', entry and text_of(entry.gen) or '', 'entry', is_there and cjson.encode(entry) or '',
    'physical', text_of(sum_of(book, PHYSICAL)), 'planned', text_of(sum_of(book, PLANNED)),
    'usable', text_of(usable_of(book)), 'foreign', text_of(book.foreign),
    'detail', cjson.encode(told) })
end

local function drop(book, entry, op, why, detail)
  for i, other in ipairs(book.entries) do
    if other.gen == entry.gen then table.remove(book.entries, i) break end
  end
  book.gone[entry.gen] = true
  book.dirty[entry.gen] = nil
  book.version = book.version + 1
  note(book, op, why, entry, detail)
end

-- Into another state, which must have ended after `seconds`; nil: it may last.
local function move(book, entry, state, seconds)
  entry.state, entry.since_ms = state, book.now
  entry.deadline_ms = seconds and book.now + ms(seconds) or 0
  book.version = book.version + 1
  touch(book, entry)
end

local function renew(book, entry)
  entry.lease_ms = book.now + ms(book.limits.lease_seconds)
  touch(book, entry)
end

local function save_entries(book)
  for gen in pairs(book.gone) do redis.call('HDEL', KEYS[2], text_of(gen)) end
  for gen, entry in pairs(book.dirty) do
    redis.call('HSET', KEYS[2], text_of(gen), cjson.encode(entry))
  end
  for model, record in pairs(book.changed_models) do
    redis.call('HSET', KEYS[3], model, cjson.encode(record))
  end
end

-- Writes what has changed, and hands the answer on.
local function save(book, answer)
  for _, name in ipairs(SCALARS) do
    local text = book[name] and text_of(book[name])
    if text and text ~= book.fields[name] then redis.call('HSET', KEYS[1], name, text) end
  end
  for _, name in ipairs(LISTS) do
    local text = book[name] and cjson.encode(book[name])
    if text and text ~= book.fields[name] then redis.call('HSET', KEYS[1], name, text) end
  end
  save_entries(book)
  for name, by in pairs(book.counts) do redis.call('HINCRBY', KEYS[1], 'n:' .. name, by) end
  local kept = book.limits and text_of(book.limits.events_kept)
  for _, event in ipairs(book.events) do
    redis.call('XADD', KEYS[5], 'MAXLEN', '~', kept, '*', unpack(event))
  end
  return answer
end
