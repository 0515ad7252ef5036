-- uses: book
-- register(book; clock_ms, '', device, last_gen) -> 'ok' | 'unknown_device'
--
-- Announces a device with nothing on it. Where the device can be read, what an earlier incarnation had
-- there is foreign until it is read; so is everything where a worker that has held gens before finds
-- no record: the store lost its data, not the device. The same incarnation again changes nothing.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  device, JSON, with its limits
-- ARGV[4]  largest gen the caller has seen

local book, refusal = read_book()
if refusal then return refusal end
local device, last_gen = cjson.decode(ARGV[3]), tonumber(ARGV[4])

if book.device then
  if book.device.incarnation > device.incarnation then return 'unknown_device' end
  book.gen = math.max(book.gen, last_gen)
  if book.device.incarnation == device.incarnation then return save(book, 'ok') end
end

local why = 'registered'
redis.call('HSET', KEYS[1], 'layout', LAYOUT, 'device', ARGV[3])
redis.call('HDEL', KEYS[1], 'observed_mib', 'observed_ms')
if book.device then
  book.observed_mib, book.observed_ms = nil, nil
else
  book.gen, book.version, book.foreign = last_gen, book.micros, 0
  book.inflation, book.evicted, book.shadow, book.wishes = 0, {}, {}, 0
  if last_gen > 0 then why = 'data_lost' end
end
book.device, book.limits, book.pressure, book.seen_ms = device, device.limits, 0, book.now
if not device.verified then book.foreign = 0 end
if why == 'data_lost' and device.verified then book.foreign = base_of(device) end

local left = {}
for _, entry in ipairs(book.entries) do table.insert(left, entry) end
for _, entry in ipairs(left) do
  if device.verified and PHYSICAL[entry.state] then
    book.foreign = book.foreign + entry.vram_mib
  end
  drop(book, entry, 'register', 'superseded', { state = entry.state })
end
book.version = book.version + 1
note(book, 'register', why)
return save(book, 'ok')
