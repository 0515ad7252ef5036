-- uses: book models sweep
-- unloading(book; clock_ms, incarnation, gen) -> 'ok' | 'pinned' | 'stale' | 'unknown_device'
--
-- Starts to unload a draining entry that nobody uses any more; one that is unloading answers 'ok'.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if entry and entry.state == 'unloading' then return save(book, 'ok') end
if not entry or entry.state ~= 'draining' then return save(book, 'stale') end
if is_pinned(entry) then return save(book, 'pinned') end
move(book, entry, 'unloading', book.limits.unload_seconds)
note(book, 'unloading', 'unused', entry)
return save(book, 'ok')
