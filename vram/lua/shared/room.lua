-- room: whether a model fits: the sum of what is planned, the nested levels, the zones.
-- vram/room.py is the definition; all numbers are whole.
--
-- An asker is a table with priority and vram_mib; `gone` holds the gens taken for gone already.

local RANK = { low = 0, medium = 1, high = 2, critical = 3 }
local ZONE = { low = 'flexible', medium = 'flexible', high = 'high_priority', critical = 'critical' }
local NOBODY = {}

-- What medium and low may own together, and what high and below may.
local function levels(book)
  local limits, base = book.limits, base_of(book.device)
  local shares = limits.critical_share + limits.high_share + limits.flexible_share
  local flexible = math.floor(base * limits.flexible_share / shares)
  return flexible, flexible + math.floor(base * limits.high_share / shares)
end

local function taken(book, gone, counts)
  local sum = 0
  for _, entry in ipairs(book.entries) do
    if PLANNED[entry.state] and not gone[entry.gen] and (not counts or counts(entry)) then
      sum = sum + entry.vram_mib
    end
  end
  return sum
end

local function short_in_all(book, asker, gone)
  return math.max(0, taken(book, gone) + asker.vram_mib - usable_of(book))
end

local function short_in_level(book, asker, gone, rank, limit)
  if RANK[asker.priority] > rank then return 0 end
  local owned = taken(book, gone, function(entry)
    return not entry.loan and RANK[entry.priority] <= rank
  end)
  return math.max(0, owned + asker.vram_mib - limit)
end

local function short_in_levels(book, asker, gone)
  local flexible, high = levels(book)
  return math.max(short_in_level(book, asker, gone, RANK.medium, flexible),
    short_in_level(book, asker, gone, RANK.high, high))
end

local function zone_is_full(book, asker, gone)
  local zone, limits = ZONE[asker.priority], book.limits
  local most = ({ high_priority = limits.high_models, flexible = limits.flexible_models })[zone] or 0
  local held = 0
  for _, entry in ipairs(book.entries) do
    if PLANNED[entry.state] and not gone[entry.gen] and ZONE[entry.priority] == zone then
      held = held + 1
    end
  end
  return most > 0 and held >= most
end

local function fits(book, asker, gone)
  return short_in_all(book, asker, gone) == 0 and short_in_levels(book, asker, gone) == 0
    and not zone_is_full(book, asker, gone)
end

-- Whether everything holds with an entry counted as owned.
local function may_be_owned(book, entry)
  local gone = { [entry.gen] = true }
  return short_in_all(book, entry, gone) == 0 and short_in_levels(book, entry, gone) == 0
end
