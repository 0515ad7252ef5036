-- uses: book models sweep
-- sweep(book; clock_ms, '') -> how many entries changed | 'unknown_device'
--
-- KEYS     see shared/book.lua

local book, refusal = open_book()
if refusal then return refusal end
return save(book, sweep(book))
