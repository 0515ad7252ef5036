-- scores: what a resident model is worth, by policy; the least worth leaves first.
-- vram/scores.py is the definition: doubles, in the order of operations written there.

local UNKNOWN_LOAD_MS = 500
local GATED = { rent = true, residency = true }
local WEIGHTS = { critical = 0, high = 1000, medium = 100, low = 10 }

local function frequency_of(book, record)
  if not GATED[book.limits.policy] then return record.frequency end
  return faded(book, record.frequency, record.aged_ms)
end

local function load_ms_of(record, otherwise)
  return record.load_ms > 0 and record.load_ms or otherwise or UNKNOWN_LOAD_MS
end

local function worth(book, entry)
  local policy = book.limits.policy
  if policy == 'lru' then return entry.used_ms end
  local record = model_of(book, entry.model)
  local uses = frequency_of(book, record)
  local size = math.max(1, entry.vram_mib)
  local load = load_ms_of(record)
  if policy == 'weighted' then
    local idle_seconds = math.max(0, book.now - entry.used_ms) / 1000
    local weight = WEIGHTS[entry.priority]
    return weight * (uses + 1) / (idle_seconds + 1) * (1000 / size) * (100 / load)
  end
  return entry.inflation + uses * load / size
end

-- Who leaves first comes first: loans, then by class where the policy does not weigh it, then by
-- worth, then by age.
local function in_order(book, entries)
  local keys = {}
  for _, entry in ipairs(entries) do
    local rank = book.limits.policy == 'weighted' and 0 or RANK[entry.priority]
    keys[entry.gen] = { entry.loan and 0 or 1, rank, worth(book, entry), entry.gen }
  end
  table.sort(entries, function(a, b)
    local one, other = keys[a.gen], keys[b.gen]
    for i = 1, 4 do
      if one[i] ~= other[i] then return one[i] < other[i] end
    end
    return false
  end)
  return entries
end
