-- uses: book models sweep
-- out_of_memory(book; clock_ms, incarnation, gen, step) -> 'ok' | 'unknown_device'
--
-- Notes that the device ran out of memory under an entry, and what was done about it.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  step

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
count(book, 'out_of_memory')
local entry = entry_of(book, tonumber(ARGV[3]))
note(book, 'out_of_memory', ARGV[4], entry, { step = ARGV[4], gen = ARGV[3] })
return save(book, 'ok')
