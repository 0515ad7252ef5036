-- over: what happens when the truth about sizes puts the device over its limit.

-- Idle entries that may leave now, whoever asks; `wanted` chooses among them.
local function idle_ones(book, wanted)
  local names = {}
  for _, entry in ipairs(book.entries) do table.insert(names, entry.model) end
  fetch_models(book, names)
  return selected(book.entries, function(entry)
    return entry.state == 'ready' and not entry.keep and entry.priority ~= 'critical'
      and not is_pinned(entry) and wanted(entry)
  end)
end

-- The true size of an entry. What was booked too much is foreign until the device is read; what was
-- booked too little may break a level of the zones: the entry is a loan from then on.
local function correct_size(book, entry, vram_mib)
  local before_mib = entry.vram_mib
  if book.device.verified then
    book.foreign = book.foreign + math.max(0, before_mib - vram_mib)
  end
  entry.vram_mib = vram_mib
  local grew = vram_mib > before_mib and PLANNED[entry.state]
  if grew and short_in_levels(book, entry, { [entry.gen] = true }) > 0 then entry.loan = true end
  touch(book, entry)
  return before_mib
end

-- Makes room for what an entry took more than was kept for it: idle ones of no higher class leave, else
-- the entry itself; where it must not leave, whoever can.
local function give_way(book, entry, op)
  local over_mib = math.max(0, sum_of(book, PLANNED) - usable_of(book))
  if over_mib == 0 or not PLANNED[entry.state] then return 0, {} end
  local candidates = idle_ones(book, function(other)
    return other.gen ~= entry.gen and is_below(other, entry)
  end)
  local victims = smallest(book, candidates, function(gone)
    return taken(book, gone) <= usable_of(book)
  end)
  if not victims then
    local stays = entry.keep or entry.priority == 'critical'
    victims = stays and candidates or { entry }
  end
  return over_mib, evict(book, victims, op, 'over', { over_mib = over_mib, asker = entry.model })
end
