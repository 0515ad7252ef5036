-- uses: book models sweep
-- state(book; clock_ms, '') -> {now as text, device, entries, models} | 'unknown_device'
--
-- Everything known of a device, as its hashes are after the sweep: flat lists of fields and values.
--
-- KEYS     see shared/book.lua

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
return save(book) or { text_of(book.now), redis.call('HGETALL', KEYS[1]),
  redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3]) }
