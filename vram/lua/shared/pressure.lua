-- pressure: whether memory is short, and who leaves because of that.
--
-- Pressure begins above pressure_ratio of the device, or with less than pressure_free_mib free. It ends
-- with 5 % of the device less in use, and half as much again free, so that it does not flicker.

local ENDS_BELOW = 0.05
local ENDS_FREE = 1.5

local function is_over(book, used_mib)
  local total, limits = book.device.total_mib, book.limits
  return used_mib > limits.pressure_ratio * total
    or total - used_mib < limits.pressure_free_mib
end

local function is_relaxed(book, used_mib)
  local total, limits = book.device.total_mib, book.limits
  return used_mib <= (limits.pressure_ratio - ENDS_BELOW) * total
    and total - used_mib >= ENDS_FREE * limits.pressure_free_mib
end

local function update_pressure(book, used_mib)
  local before = book.pressure
  if is_over(book, used_mib) then
    book.pressure = 1
  elseif is_relaxed(book, used_mib) then
    book.pressure = 0
  end
  if book.pressure ~= before then
    if book.pressure == 1 then count(book, 'pressure') end
    note(book, 'observe', book.pressure == 1 and 'pressure_on' or 'pressure_off', nil,
      { used_mib = used_mib })
  end
end

-- What is there and stays exceeds what may be there: idle ones leave, least worth first.
local function drain_over(book)
  local function over(gone)
    local sum = 0
    for _, entry in ipairs(book.entries) do
      local stays = entry.state ~= 'reserved' and PLANNED[entry.state]
      if stays and not gone[entry.gen] then sum = sum + entry.vram_mib end
    end
    return sum - usable_of(book)
  end
  local over_mib = over(NOBODY)
  if over_mib <= 0 then return {} end
  local candidates = idle_ones(book, function() return true end)
  local victims = smallest(book, candidates, function(gone) return over(gone) <= 0 end)
  return evict(book, victims or candidates, 'observe', 'over', { over_mib = over_mib })
end

-- Under pressure models of medium and low priority leave that nobody used for long, largest first,
-- until what is leaving ends the pressure.
local function drain_idle(book, used_mib)
  local idle_ms = ms(book.limits.idle_seconds)
  local candidates = idle_ones(book, function(entry)
    return RANK[entry.priority] <= RANK.medium and book.now - entry.used_ms > idle_ms
  end)
  table.sort(candidates, function(a, b)
    if a.vram_mib ~= b.vram_mib then return a.vram_mib > b.vram_mib end
    return a.gen < b.gen
  end)
  local left_mib, victims = used_mib, {}
  for _, entry in ipairs(book.entries) do
    if not PLANNED[entry.state] then left_mib = left_mib - entry.vram_mib end
  end
  for _, entry in ipairs(candidates) do
    if is_relaxed(book, left_mib) then break end
    left_mib = left_mib - entry.vram_mib
    table.insert(victims, entry)
  end
  return evict(book, victims, 'observe', 'idle', { used_mib = used_mib })
end
