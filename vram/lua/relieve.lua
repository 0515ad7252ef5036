-- uses: book models sweep room scores gate victims evict over
-- relieve(book; clock_ms, incarnation, needed_mib, asker_gen) -> JSON {verdict, foreign_mib, drift_mib,
--         pressure, victims} | 'unknown_device'
--
-- The device ran out of memory under an entry: idle ones of no higher class leave until so much would
-- be free. Where that is not enough, those that can leave do.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  how much should be free, MiB
-- ARGV[4]  gen of the asker

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local needed_mib, asker = tonumber(ARGV[3]), entry_of(book, tonumber(ARGV[4]))
local answer = { verdict = 'stale', drift_mib = 0, victims = {} }

local function enough(gone) return usable_of(book) - taken(book, gone) >= needed_mib end

if asker then
  answer.verdict = 'ok'
  if not enough(NOBODY) then
    local candidates = idle_ones(book, function(entry)
      return entry.gen ~= asker.gen and is_below(entry, asker)
    end)
    local victims = smallest(book, candidates, enough) or candidates
    answer.victims = evict(book, victims, 'relieve', 'out_of_memory',
      { asker = asker.model, needed_mib = needed_mib })
    if #victims == 0 then
      note(book, 'relieve', 'no_eviction_candidates', asker, { needed_mib = needed_mib })
    end
  end
end
answer.foreign_mib, answer.pressure = book.foreign, book.pressure == 1
return save(book, cjson.encode(answer))
