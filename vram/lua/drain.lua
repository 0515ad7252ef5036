-- uses: book models sweep
-- drain(book; clock_ms, '', gen, why) -> 'ok' | 'stale' | 'unknown_device'
--
-- Lets no new use of a ready entry begin. One that is leaving already, or is lost, answers 'ok'.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  why

local LEAVES = { draining = true, unloading = true, lost = true }

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if not entry then return save(book, 'stale') end
if LEAVES[entry.state] then return save(book, 'ok') end
if entry.state ~= 'ready' then return save(book, 'stale') end
move(book, entry, 'draining')
note(book, 'drain', ARGV[4], entry)
return save(book, 'ok')
