-- uses: book models sweep
-- unpin(book; clock_ms, incarnation, gen, token) -> 'ok' | 'unknown_device'
--
-- Ends a use; one that is not there changes nothing.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  token

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if entry and entry.pins[ARGV[4]] then
  entry.pins[ARGV[4]] = nil
  entry.used_ms = book.now
  touch(book, entry)
end
return save(book, 'ok')
