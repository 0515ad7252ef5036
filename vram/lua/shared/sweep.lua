-- sweep: what the clock has made due. Every operation on a device begins with it.
--
-- A lease that has ended says that the holder is silent, not that its memory is free: what may be on
-- the device is lost first, and foreign when its deadline has passed, until the device is read.

-- A clock that is corrected by less is left alone.
local CLOCK_SLACK_MS = 1000

local function sweep_pins(book, entry)
  local ended = {}
  for token, until_ms in pairs(entry.pins) do
    if until_ms <= book.now then table.insert(ended, token) end
  end
  for _, token in ipairs(ended) do entry.pins[token] = nil end
  if #ended > 0 then touch(book, entry) end
  return #ended > 0
end

local function write_off(book, entry)
  book.foreign = book.foreign + entry.vram_mib
  count(book, 'written_off')
  drop(book, entry, 'sweep', 'written_off', { state = entry.state })
end

local function lose(book, entry)
  local before = entry.state
  move(book, entry, 'lost', book.limits.unload_seconds)
  count(book, 'lost')
  note(book, 'sweep', 'lease_ended', entry, { state = before })
end

-- A hung load: what it took is still there. Its holder, if it lives, hears of it at its next beat.
local function end_load(book, entry)
  entry.failed = true
  back_off(book, entry.model)
  move(book, entry, 'unloading', book.limits.unload_seconds)
  note(book, 'sweep', 'load_ended', entry)
end

local function sweep_entry(book, entry)
  local silent = entry.lease_ms <= book.now
  local late = entry.deadline_ms > 0 and entry.deadline_ms <= book.now
  if entry.state == 'reserved' then
    if silent then return true, drop(book, entry, 'sweep', 'lease_ended') end
    return late, late and drop(book, entry, 'sweep', 'reserve_ended')
  end
  if entry.state == 'unloading' or entry.state == 'lost' then
    return late, late and write_off(book, entry)
  end
  if silent then return true, lose(book, entry) end
  return late, late and end_load(book, entry)
end

-- The server's clock was set back: times that lie ahead would keep a dead holder's entries alive for as
-- long. All of them move back with it, as if the last beat were just now.
local function follow_clock(book)
  local back_ms = book.seen_ms - book.now
  if back_ms <= CLOCK_SLACK_MS then return end
  book.seen_ms = book.now
  for i, at_ms in ipairs(book.evicted) do book.evicted[i] = at_ms - back_ms end
  for _, entry in ipairs(book.entries) do
    for _, name in ipairs({ 'since_ms', 'used_ms', 'lease_ms' }) do
      entry[name] = entry[name] - back_ms
    end
    if entry.deadline_ms > 0 then entry.deadline_ms = entry.deadline_ms - back_ms end
    for token, until_ms in pairs(entry.pins) do entry.pins[token] = until_ms - back_ms end
    touch(book, entry)
    note(book, 'sweep', 'clock_set_back', entry, { back_ms = back_ms })
  end
end

-- How many entries changed.
local function sweep(book)
  follow_clock(book)
  local due, changed = {}, 0
  for _, entry in ipairs(book.entries) do table.insert(due, entry) end
  for _, entry in ipairs(due) do
    local lost_pins = sweep_pins(book, entry)
    if sweep_entry(book, entry) or lost_pins then changed = changed + 1 end
  end
  return changed
end
