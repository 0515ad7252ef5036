-- gate: whether an eviction has been earned, and what is remembered of each request for that.
-- vram/gate.py is the definition.
--
-- A request that is repeated, with the token that was counted last, is in the record already.

local SHADOW_MODELS = 64
-- How many times its loads' cost the demand has to be, for a model the shadow holds.
local HELD_FACTOR = 1.5
local SERVED = { gpu = true, load = true, cpu = true }

local function gate_is_open(ask)
  return ask.priority == 'critical' or not ask.has_fallback or ask.by_name
end

-- What plain LRU would hold, the last used first: {model, MiB}.
local function shadow_of(book)
  if not book.shadow then book.shadow = cjson.decode(book.fields.shadow) end
  return book.shadow
end

-- A model's figures, faded until now.
local function until_now(book, name)
  local record = model_of(book, name)
  return { frequency = frequency_of(book, record),
    rent_ms = faded(book, record.rent_ms, record.aged_ms),
    demand_ms = faded(book, record.demand_ms, record.aged_ms),
    lru_loads = faded(book, record.lru_loads, record.aged_ms) }
end

-- Whether plain LRU would have to load the asker.
local function is_missing(book, ask)
  for _, held in ipairs(shadow_of(book)) do
    if held[1] == ask.model then return false end
  end
  return true
end

-- The asker's figures with this request counted, and what it adds to the rent.
local function asked(book, ask)
  local figures = until_now(book, ask.model)
  if model_of(book, ask.model).last == ask.token then return figures, 0 end
  figures.frequency = figures.frequency + 1
  figures.demand_ms = figures.demand_ms + ask.penalty_ms
  if is_missing(book, ask) then figures.lru_loads = figures.lru_loads + 1 end
  return figures, ask.penalty_ms
end

-- What serving the asker elsewhere has cost, this request included, and what is enough.
local function rent_of(book, ask, victims)
  local figures, more_ms = asked(book, ask)
  local earned_ms = figures.rent_ms + more_ms
  local needed_ms = load_ms_of(model_of(book, ask.model), ask.load_ms)
  local factor = is_missing(book, ask) and 1 or HELD_FACTOR
  if figures.demand_ms >= factor * figures.lru_loads * needed_ms then return earned_ms, 0 end
  for _, entry in ipairs(victims) do
    if not entry.loan then needed_ms = needed_ms + until_now(book, entry.model).demand_ms end
  end
  return earned_ms, needed_ms
end

-- Whether this request alone costs more elsewhere than its load and its victims' next ones.
local function pays_at_once(book, ask, victims)
  if book.limits.policy ~= 'rent' then return false end
  local cost_ms = load_ms_of(model_of(book, ask.model), ask.load_ms)
  for _, entry in ipairs(victims) do
    cost_ms = cost_ms + load_ms_of(model_of(book, entry.model))
  end
  return ask.penalty_ms >= cost_ms
end

-- What is remembered of the asker after the answer.
local function remember(book, ask, decision)
  local record = model_of(book, ask.model)
  local counts = SERVED[decision.outcome] and not ask.only_free
  local figures, more_ms = until_now(book, ask.model), 0
  if counts then figures, more_ms = asked(book, ask) end
  if decision.outcome == 'load' then
    figures.rent_ms = 0
  elseif decision.outcome == 'cpu' then
    figures.rent_ms = figures.rent_ms + more_ms
  end
  for name, value in pairs(figures) do record[name] = value end
  record.aged_ms = math.max(record.aged_ms, book.now)
  if counts then record.last = ask.token end
  keep_record(book, ask.model)
end

-- Moves the asker to the front of what plain LRU would hold.
local function move_shadow(book, ask, decision)
  local usable, counts = usable_of(book), SERVED[decision.outcome] and not ask.only_free
  if book.limits.policy ~= 'rent' or not counts or ask.vram_mib > usable then return end
  local held, left_mib = { { ask.model, ask.vram_mib } }, usable - ask.vram_mib
  for _, other in ipairs(shadow_of(book)) do
    if other[1] ~= ask.model then
      left_mib = left_mib - other[2]
      if left_mib < 0 or #held == SHADOW_MODELS then break end
      table.insert(held, other)
    end
  end
  book.shadow = held
end
