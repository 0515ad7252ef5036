-- uses: book models sweep
-- unloaded(book; clock_ms, incarnation, gen, returned_mib) -> 'ok' | 'stale' | 'unknown_device'
--
-- An entry is unloaded. Where the device can be read, what it did not get back is foreign until then.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  what the device got back, MiB; '' where it can't be read

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if not entry or entry.state ~= 'unloading' then return save(book, 'stale') end
local returned_mib = tonumber(ARGV[4])
local missing_mib = 0
if returned_mib and book.device.verified then
  missing_mib = math.max(0, entry.vram_mib - math.max(0, returned_mib))
end
book.foreign = book.foreign + missing_mib
drop(book, entry, 'unloaded', 'unloaded', { returned_mib = ARGV[4], missing_mib = missing_mib })
return save(book, 'ok')
