-- victims: who may leave for an asker, and the smallest set after whom it fits.
-- vram/policy.py is the definition.

-- Who asks while it uses another model would wait for itself.
local function is_below(entry, ask)
  return not entry.keep and entry.priority ~= 'critical'
    and RANK[entry.priority] <= RANK[ask.priority]
    and not entry.pins[ask.token]
end

-- Whether an entry may be chosen at all, whatever its age.
local function may_leave(entry, ask)
  local may_drain_busy = ask.priority == 'critical' or not ask.has_fallback
  return entry.state == 'ready' and is_below(entry, ask) and (may_drain_busy or not is_pinned(entry))
end

-- For how long an entry is too young still to leave for the asker; 0: it is old enough.
local function young_ms(book, ask, entry)
  local limits = book.limits
  if not GATED[limits.policy] or entry.loan or RANK[ask.priority] > RANK[entry.priority] then
    return 0
  end
  if pays_at_once(book, ask, { entry }) then return 0 end
  local stay_ms = limits.floor_loads * load_ms_of(model_of(book, entry.model))
  if limits.policy == 'residency' and not gate_is_open(ask) then
    local seconds = entry.priority == 'high' and limits.high_residency_seconds
      or limits.flexible_residency_seconds
    stay_ms = math.max(stay_ms, seconds * 1000)
  end
  return math.max(0, math.floor(stay_ms) - (book.now - entry.since_ms))
end

local function selected(entries, wanted)
  local found = {}
  for _, entry in ipairs(entries) do
    if wanted(entry) then table.insert(found, entry) end
  end
  return found
end

local function gens_of(entries)
  local gens = {}
  for _, entry in ipairs(entries) do gens[entry.gen] = true end
  return gens
end

-- Takes candidates in order until `enough(gone)`; then, the most valuable first, whoever is not needed
-- may stay. nil: all of them are not enough.
local function smallest(book, candidates, enough)
  local chosen, found = {}, false
  for _, entry in ipairs(in_order(book, candidates)) do
    table.insert(chosen, entry)
    if enough(gens_of(chosen)) then found = true break end
  end
  if not found then return nil end
  for i = #chosen, 1, -1 do
    local spared = table.remove(chosen, i)
    if not enough(gens_of(chosen)) then table.insert(chosen, i, spared) end
  end
  return chosen
end

local function smallest_for(book, ask, candidates)
  return smallest(book, candidates, function(gone) return fits(book, ask, gone) end)
end

-- Whether there would be room if all that may ever leave for the asker had left.
local function room_may_come(book, ask)
  return fits(book, ask, gens_of(selected(book.entries, function(entry)
    return PLANNED[entry.state] and is_below(entry, ask)
  end)))
end
