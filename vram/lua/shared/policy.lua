-- policy: what a request for a model is answered. Changes nothing.
-- vram/policy.py is the definition, in the same order; a test compares the two.
--
-- A decision is a table: outcome, reason and, where they apply, gen, promote, loan, victims (entries),
-- inflation, short_mib, retry_ms, rent_ms, rent_needed_ms.

-- When to ask again about something that ends soon, but nobody knows when.
local SOON_MS = 250
-- When to ask again where only a reading of the device can make room.
local READ_AGAIN_MS = 5000
local MINUTE_MS = 60000

-- Elsewhere where that is possible; else later where that helps; else not at all.
local function refused(ask, reason, wait, figures)
  local decision = figures or {}
  decision.outcome = ask.has_fallback and 'cpu' or wait and 'wait' or 'refuse'
  decision.reason = reason
  return decision
end

local function short_of(book, ask, gone)
  return math.max(short_in_all(book, ask, gone), short_in_levels(book, ask, gone))
end

-- The answer when the model is there, comes or goes.
local function answer_present(book, ask)
  local entry = entry_with(book, ask.model)
  if not entry then return nil end
  if entry.state == 'ready' then
    local promote = entry.loan and may_be_owned(book, entry)
    return { outcome = 'gpu', reason = 'access_existing', gen = entry.gen, promote = promote,
      loan = entry.loan }
  end
  if entry.state ~= 'loading' and entry.state ~= 'reserved' then
    return refused(ask, 'draining', true, { retry_ms = SOON_MS })
  end
  local left_ms = math.floor(load_ms_of(model_of(book, ask.model), ask.load_ms))
  if entry.state == 'loading' then left_ms = left_ms - (book.now - entry.since_ms) end
  return { outcome = 'join', reason = 'loading', gen = entry.gen,
    retry_ms = math.max(SOON_MS, left_ms) }
end

-- The answer after failed loads, until they are forgiven.
local function answer_put_off(book, ask)
  if ask.by_name then return nil end
  local record = model_of(book, ask.model)
  if record.failures >= book.limits.quarantine_failures then
    return refused(ask, 'quarantined', false)
  end
  local left_ms = record.not_before_ms - book.now
  if left_ms <= 0 then return nil end
  local short = left_ms <= book.limits.load_seconds * 1000
  return refused(ask, 'load_backoff', short, { retry_ms = left_ms })
end

local function level_of(book, priority)
  local flexible, high = levels(book)
  if RANK[priority] <= RANK.medium then return flexible end
  return priority == 'high' and high or base_of(book.device)
end

-- The answer when nobody has to leave, or when nobody's leaving would help.
local function answer_placed(book, ask)
  local usable = usable_of(book)
  if ask.vram_mib > usable then
    return refused(ask, 'insufficient_vram', ask.vram_mib <= base_of(book.device),
      { retry_ms = READ_AGAIN_MS, short_mib = ask.vram_mib - usable })
  end
  if fits(book, ask, NOBODY) then return { outcome = 'load', reason = 'direct_allocation' } end
  local room = short_in_all(book, ask, NOBODY) == 0 and not zone_is_full(book, ask, NOBODY)
  if room and book.pressure == 0 then
    return { outcome = 'load', reason = 'direct_allocation', loan = true }
  end
  if ask.only_free then
    return refused(ask, 'no_free_room', false, { short_mib = short_of(book, ask, NOBODY) })
  end
  local over_mib = ask.vram_mib - level_of(book, ask.priority)
  if over_mib > 0 then return refused(ask, 'insufficient_vram', false, { short_mib = over_mib }) end
end

-- When so many more evictions are within the rate; 0: now. At least one set is within it.
local function over_rate_ms(book, ask, more)
  local most, recent = book.limits.evictions_per_minute, {}
  for _, at_ms in ipairs(book.evicted) do
    if book.now - at_ms < MINUTE_MS then table.insert(recent, at_ms) end
  end
  if most <= 0 or ask.priority == 'critical' or #recent == 0 or #recent + more <= most then
    return 0
  end
  table.sort(recent)
  -- So many of the recent ones have to be older than a minute first.
  return recent[math.min(#recent, #recent + more - most)] + MINUTE_MS - book.now
end

-- The answer when the victims are found: whether it was earned, and whether the rate holds.
local function answer_gated(book, ask, victims)
  local earned_ms, needed_ms = rent_of(book, ask, victims)
  local calls_back = #selected(victims, function(entry) return not entry.loan end) == 0
  local open = gate_is_open(ask) or calls_back
  if book.limits.policy == 'rent' and not open and earned_ms < needed_ms then
    return { outcome = 'cpu', reason = 'rent_not_earned', rent_ms = earned_ms,
      rent_needed_ms = needed_ms }
  end
  local late_ms = over_rate_ms(book, ask, #victims)
  if pays_at_once(book, ask, victims) then late_ms = 0 end
  if late_ms > 0 then return refused(ask, 'eviction_rate', true, { retry_ms = late_ms }) end
  local most = worth(book, victims[1])
  for _, entry in ipairs(victims) do most = math.max(most, worth(book, entry)) end
  return { outcome = 'load', reason = 'eviction_based_allocation', victims = victims,
    inflation = most, rent_ms = earned_ms, rent_needed_ms = needed_ms }
end

-- The answer when all who are old enough to leave are not enough.
local function answer_in_vain(book, ask, allowed, wait)
  local young = smallest_for(book, ask, allowed)
  if young then
    local left_ms = 0
    for _, entry in ipairs(young) do left_ms = math.max(left_ms, young_ms(book, ask, entry)) end
    return refused(ask, 'residents_too_young', true, { retry_ms = left_ms })
  end
  local short_mib = short_of(book, ask, gens_of(allowed))
  local reason = short_mib == 0 and 'zone_full' or 'eviction_insufficient'
  return refused(ask, reason, wait, { short_mib = short_mib })
end

-- The answer when somebody has to leave.
local function answer_evicting(book, ask)
  local names = {}
  for _, entry in ipairs(book.entries) do table.insert(names, entry.model) end
  fetch_models(book, names)
  local allowed = selected(book.entries, function(entry) return may_leave(entry, ask) end)
  local wait = room_may_come(book, ask)
  if #allowed == 0 then
    return refused(ask, 'no_eviction_candidates', wait, { short_mib = short_of(book, ask, NOBODY) })
  end
  local victims = smallest_for(book, ask, selected(allowed, function(entry)
    return young_ms(book, ask, entry) == 0
  end))
  if victims then return answer_gated(book, ask, victims) end
  return answer_in_vain(book, ask, allowed, wait)
end

local function decide(book, ask)
  return answer_present(book, ask) or answer_put_off(book, ask) or answer_placed(book, ask)
    or answer_evicting(book, ask)
end
