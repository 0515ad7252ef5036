-- uses: book
-- withdraw(book; clock_ms, incarnation) -> 'gone' | 'held'
--
-- Forgets a device with all that is known of it. 'held': a newer incarnation has it.
--
-- KEYS     see shared/book.lua

local book, refusal = read_book()
if refusal then return refusal end
if book.device and book.device.incarnation > tonumber(ARGV[2]) then return 'held' end
redis.call('DEL', unpack(KEYS))
return 'gone'
