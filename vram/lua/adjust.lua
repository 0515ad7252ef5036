-- uses: book models sweep room scores gate victims evict over
-- adjust(book; clock_ms, incarnation, gen, vram_mib) -> JSON {verdict, over_mib, victims} |
--        'unknown_device'
--
-- Corrects the size of an entry that is ready, or draining while it is still used.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  what it takes, MiB

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if not entry or (entry.state ~= 'ready' and entry.state ~= 'draining') then
  return save(book, cjson.encode({ verdict = 'stale' }))
end
local vram_mib = tonumber(ARGV[4])
if vram_mib == entry.vram_mib then return save(book, cjson.encode({ verdict = 'ok' })) end
local before_mib = correct_size(book, entry, vram_mib)
book.version = book.version + 1
note(book, 'adjust', vram_mib > before_mib and 'grew' or 'shrank', entry, { before_mib = before_mib })
local over_mib, victims = give_way(book, entry, 'adjust')
return save(book, cjson.encode({ verdict = 'ok', over_mib = over_mib, victims = victims }))
