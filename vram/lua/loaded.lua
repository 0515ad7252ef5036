-- uses: book models sweep room scores gate victims evict over
-- loaded(book; clock_ms, incarnation, gen, vram_mib, load_ms) -> JSON {verdict, over_mib, victims} |
--        'unknown_device'
--
-- A load has ended: the entry is ready, with its true size.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  what it took, MiB
-- ARGV[5]  how long it took, ms

-- Weight of the newest load time in the mean.
local NEWEST = 0.3

local function remember(book, entry, load_ms)
  local record = model_of(book, entry.model)
  local mean = record.load_ms > 0 and record.load_ms + NEWEST * (load_ms - record.load_ms)
  record.load_ms = mean or load_ms
  record.loads = record.loads + 1
  record.failures, record.not_before_ms, record.rent_ms = 0, 0, 0
  keep_record(book, entry.model)
  count(book, 'loads')
end

-- The answer to who tells it again.
local function answer_again(entry)
  if not entry or not entry.measured then return { verdict = 'stale' } end
  if entry.state == 'ready' then return { verdict = 'ok' } end
  if entry.state ~= 'draining' then return { verdict = 'stale' } end
  local itself = { gen = entry.gen, model = entry.model, vram_mib = entry.vram_mib }
  return { verdict = 'ok', victims = { itself } }
end

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if not entry or entry.state ~= 'loading' then
  return save(book, cjson.encode(answer_again(entry)))
end
local vram_mib, load_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
local before_mib = correct_size(book, entry, vram_mib)
entry.measured, entry.used_ms, entry.inflation = true, book.now, book.inflation
renew(book, entry)
remember(book, entry, load_ms)
move(book, entry, 'ready')
note(book, 'loaded', 'loaded', entry, { load_ms = load_ms, reserved_mib = before_mib })
local over_mib, victims = give_way(book, entry, 'loaded')
return save(book, cjson.encode({ verdict = 'ok', over_mib = over_mib, victims = victims }))
