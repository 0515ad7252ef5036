-- evict: makes entries leave, one by one, so that each event tells the sums after it.

-- Starts to drain entries; answers what the caller is told of them.
local function evict(book, victims, op, why, detail)
  local told = {}
  for _, entry in ipairs(victims) do
    move(book, entry, 'draining')
    local record = model_of(book, entry.model)
    record.evictions = record.evictions + 1
    keep_record(book, entry.model)
    count(book, 'evictions')
    note(book, op, why, entry, detail)
    table.insert(told, { gen = entry.gen, model = entry.model, vram_mib = entry.vram_mib })
  end
  return told
end

-- Counts evictions for the rate: when each of the last minute was made.
local function count_evictions(book, more)
  local limit, recent = book.limits.evictions_per_minute, {}
  if limit <= 0 then return end
  for _, at_ms in ipairs(book.evicted) do
    if book.now - at_ms < 60000 then table.insert(recent, at_ms) end
  end
  for _ = 1, more do table.insert(recent, book.now) end
  book.evicted = recent
end

-- Gens, for an event.
local function names_of(victims)
  local gens = {}
  for _, victim in ipairs(victims) do table.insert(gens, text_of(victim.gen)) end
  return table.concat(gens, ' ')
end
