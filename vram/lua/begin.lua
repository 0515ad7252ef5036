-- uses: book models sweep
-- begin(book; clock_ms, incarnation, gen, free_mib) -> 'ok' | 'wait' | 'nvml' | 'stale' | 'unknown_device'
--
-- Starts the load of a reservation if what may be on the device now, and what the device itself says,
-- leave room for it. A begun one answers 'ok' again.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  free on the device, MiB; '' where it can't be read

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if not entry or (entry.state ~= 'reserved' and entry.state ~= 'loading') then
  return save(book, 'stale')
end
renew(book, entry)
if entry.state == 'loading' then return save(book, 'ok') end

local free_mib = tonumber(ARGV[4])
local answer = 'ok'
if sum_of(book, PHYSICAL) + entry.vram_mib > usable_of(book) then
  answer = 'wait'
elseif free_mib and free_mib < entry.vram_mib + book.device.headroom_mib then
  answer = 'nvml'
end
if answer == 'ok' then
  -- Nobody is told again to load it.
  entry.told, entry.token, entry.answer = nil, nil, nil
  move(book, entry, 'loading', book.limits.load_seconds)
  note(book, 'begin', 'room', entry)
elseif entry.told ~= answer then
  -- Once, not at every poll.
  entry.told = answer
  note(book, 'begin', answer, entry, { answer = answer, free_mib = ARGV[4] })
end
return save(book, answer)
