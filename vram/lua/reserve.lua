-- uses: book models sweep room scores gate victims policy evict
-- reserve(book; clock_ms, incarnation, ask) -> JSON reservation | 'unknown_device'
--
-- Pins a resident model, or keeps room for it, or says why not. The same token again is the same
-- request: it counts once, and is told the same while nothing has changed.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  ask, JSON: vram.answers.Ask
-- answer   outcome, reason and, where they apply, gen, vram_mib, loan, victims, short_mib, retry_ms,
--          rent_ms, rent_needed_ms

local COUNTERS = { cpu = 'cpu', wait = 'waits', refuse = 'refused', join = 'joins' }

local function use(book, ask, decision)
  local entry = entry_of(book, decision.gen)
  if not entry.pins[ask.token] then count(book, 'access_existing') end
  entry.pins[ask.token] = book.now + ms(ask.pin_seconds)
  entry.used_ms, entry.inflation = book.now, book.inflation
  touch(book, entry)
  if decision.promote then
    entry.loan = false
    book.version = book.version + 1
    note(book, 'reserve', 'promoted', entry, { token = ask.token })
  end
  return { outcome = 'gpu', reason = decision.reason, gen = entry.gen, vram_mib = entry.vram_mib,
    loan = entry.loan }
end

local function add_entry(book, ask, decision)
  book.gen = book.gen + 1
  local entry = { gen = book.gen, model = ask.model, priority = ask.priority,
    vram_mib = ask.vram_mib, loan = decision.loan or false, keep = model_of(book, ask.model).keep,
    incarnation = text_of(book.device.incarnation), used_ms = book.now, pins = {},
    inflation = book.inflation, token = ask.token }
  renew(book, entry)
  move(book, entry, 'reserved', book.limits.reserve_seconds)
  table.insert(book.entries, entry)
  return entry
end

local function load(book, ask, decision)
  local told = evict(book, decision.victims or {}, 'reserve', 'evicted',
    { token = ask.token, asker = ask.model })
  if decision.victims then
    book.inflation = math.max(book.inflation, decision.inflation)
    if ask.priority ~= 'critical' then count_evictions(book, #told) end
  end
  local entry = add_entry(book, ask, decision)
  entry.answer = { outcome = 'load', reason = decision.reason, gen = entry.gen,
    vram_mib = entry.vram_mib, loan = entry.loan, victims = told, rent_ms = decision.rent_ms,
    rent_needed_ms = decision.rent_needed_ms }
  count(book, decision.reason)
  if entry.loan then count(book, 'loans') end
  note(book, 'reserve', decision.reason, entry, { answer = 'load', token = ask.token,
    victims = names_of(told), rent_ms = decision.rent_ms, rent_needed_ms = decision.rent_needed_ms })
  return entry.answer
end

-- Told once: who polls with one token does not fill the stream.
local function explain(book, ask, decision)
  local record, told = model_of(book, ask.model), ask.token .. ' ' .. decision.reason
  if record.told == told then return end
  record.told = told
  count(book, COUNTERS[decision.outcome])
  note(book, 'reserve', decision.reason, decision.gen and entry_of(book, decision.gen), {
    answer = decision.outcome, token = ask.token, vram_mib = ask.vram_mib,
    short_mib = decision.short_mib, retry_ms = decision.retry_ms, rent_ms = decision.rent_ms,
    rent_needed_ms = decision.rent_needed_ms },
    ask.model)
end

-- The answer to a request that was answered already, or nil.
local function answer_again(book, ask)
  local entry = entry_with(book, ask.model)
  if not entry then return nil end
  if entry.state == 'reserved' and entry.token == ask.token then
    renew(book, entry)
    return entry.answer
  end
  if entry.state == 'draining' and entry.pins[ask.token] then
    return { outcome = 'gpu', reason = 'access_existing', gen = entry.gen,
      vram_mib = entry.vram_mib, loan = entry.loan }
  end
end

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local ask = cjson.decode(ARGV[3])
local again = answer_again(book, ask)
if again then return save(book, cjson.encode(again)) end

local decision = decide(book, ask)
remember(book, ask, decision)
move_shadow(book, ask, decision)
if decision.outcome == 'gpu' then return save(book, cjson.encode(use(book, ask, decision))) end
if decision.outcome == 'load' then return save(book, cjson.encode(load(book, ask, decision))) end
explain(book, ask, decision)
return save(book, cjson.encode(decision))
