-- uses: book models sweep
-- version(book; clock_ms, '') -> version as text | 'unknown_device'
--
-- KEYS     see shared/book.lua

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
return save(book, text_of(book.version))
