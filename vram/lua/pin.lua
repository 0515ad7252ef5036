-- uses: book models sweep
-- pin(book; clock_ms, incarnation, gen, token, seconds) -> 'ok' | 'stale' | 'unknown_device'
--
-- Uses a ready entry. A pin that is there already is there still when the entry is draining meanwhile:
-- it is not prolonged then.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  token
-- ARGV[5]  seconds it holds at most

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if not entry then return save(book, 'stale') end
if entry.state == 'draining' and entry.pins[ARGV[4]] then return save(book, 'ok') end
if entry.state ~= 'ready' then return save(book, 'stale') end
entry.pins[ARGV[4]] = book.now + ms(tonumber(ARGV[5]))
entry.used_ms = book.now
touch(book, entry)
return save(book, 'ok')
