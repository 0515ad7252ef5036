-- uses: book models sweep room scores gate victims evict over pressure
-- observe(book; clock_ms, incarnation, used_mib, version) -> JSON {verdict, foreign_mib, drift_mib,
--         pressure, victims} | 'unknown_device'
--
-- Compares the book with a reading of the device, and the reading wins. A reading from before the last
-- change is refused. While something is on its way in or out, or lost, the book may hold more than is
-- there and so hide what is foreign: what is known of it shrinks no further then than is sure.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  total minus free, MiB
-- ARGV[4]  version of the ledger from before the reading

local function read_foreign(book, used_mib)
  local device, moving_mib = book.device, 0
  for _, entry in ipairs(book.entries) do
    local moves = entry.state ~= 'ready' and entry.state ~= 'reserved'
    if moves then moving_mib = moving_mib + entry.vram_mib end
  end
  local ours_mib = device.reserved_mib + device.context_mib + sum_of(book, PHYSICAL)
  local drift_mib = used_mib - ours_mib - book.foreign
  -- At least what is more than all of ours; at most what is more than what surely is there.
  local least_mib = math.max(0, used_mib - ours_mib)
  local most_mib = math.max(0, used_mib - ours_mib + moving_mib)
  local before_mib = book.foreign
  book.foreign = math.max(least_mib, math.min(before_mib, most_mib))
  if book.foreign ~= before_mib then
    note(book, 'observe', book.foreign > before_mib and 'foreign_grew' or 'foreign_shrank', nil,
      { used_mib = used_mib, drift_mib = drift_mib, before_mib = before_mib })
  end
  return drift_mib
end

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local answer = { verdict = 'stale', drift_mib = 0, victims = {} }
local used_mib = tonumber(ARGV[3])
if book.version == tonumber(ARGV[4]) then
  answer.verdict, answer.drift_mib = 'ok', read_foreign(book, used_mib)
  book.observed_mib, book.observed_ms = used_mib, book.now
  update_pressure(book, used_mib)
  answer.victims = drain_over(book)
  if book.pressure == 1 then
    for _, victim in ipairs(drain_idle(book, used_mib)) do table.insert(answer.victims, victim) end
  end
end
answer.foreign_mib, answer.pressure = book.foreign, book.pressure == 1
return save(book, cjson.encode(answer))
