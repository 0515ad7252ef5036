-- take(now_us, then for each key: window_us, quota, amount)
--   -> {refused, wait_us, spent_us of each key}
--
-- KEYS: buckets. Each holds the time (us) at which it will be full again; missing: it is full.
-- now_us: '' for the server's clock; another one in tests.
-- refused: numbers of the keys with too little, separated by commas; '' when all was taken.
-- wait_us: until everything could be taken; -1: never.
--
-- All is taken or nothing is; a time too far ahead (the clock was set back, the window cut) is mended
-- in either case. Numbers travel as text: Lua's own have 53 bits, microseconds since 1970 need 51.

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local full, after, mended, refused, wait = {}, {}, {}, {}, 0
for number, key in ipairs(KEYS) do
  local window = tonumber(ARGV[3 * number - 1])
  local quota = tonumber(ARGV[3 * number])
  local amount = tonumber(ARGV[3 * number + 1])
  -- Never further away than a whole window: the clock may have been set back, the window cut.
  local held = tonumber(redis.call('GET', key) or now)
  mended[number] = held > now + window
  full[number] = math.min(math.max(held, now), now + window)
  after[number] = full[number] + math.floor(amount * window / quota)
  local missing = after[number] - now - window
  if amount > 0 and missing > 0 then
    refused[#refused + 1] = number
    if amount > quota then
      wait = -1
    elseif wait >= 0 then
      wait = math.max(wait, missing)
    end
  end
end

local reply = {table.concat(refused, ','), string.format('%.0f', wait)}
for number, key in ipairs(KEYS) do
  if #refused == 0 then
    full[number] = after[number]
  end
  if full[number] > now and (#refused == 0 or mended[number]) then
    local left_ms = math.ceil((full[number] - now) / 1000)
    redis.call('SET', key, string.format('%.0f', full[number]), 'PX', left_ms)
  end
  reply[number + 2] = string.format('%.0f', full[number] - now)
end
return reply
