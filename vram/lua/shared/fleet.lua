-- Put before every script of the fleet directory. Each is called with these keys, and with the
-- caller's clock in ms as ARGV[1], or '' for the server's.
--
-- KEYS[1]   hash  records  device id -> JSON summary, as its holder wrote it
-- KEYS[2]   zset  seen     device id by the time (ms) at which it is forgotten
-- KEYS[3]   hash  order    device id -> '<incarnation> <version>' of the summary
-- KEYS[4]   hash  models   device id -> its models, one a line
-- KEYS[5]   zset  room     device id by free MiB
-- KEYS[6]   hash  breaker  device id -> '<failures> <opened ms> <tried ms>'
-- KEYS[7]   zset  cpu      process of a CPU worker by the time (ms) at which it is forgotten
-- KEYS[8]   hash  service  'gpu:<model>', 'cpu:<model>' -> mean ms
-- KEYS[9]   hash  load     model -> mean ms
-- KEYS[10]  hash  size     model -> MiB
-- KEYS[11]  prefix of zsets: device id by 2 (resident) or 1 (coming), one for each model

local RECORDS, SEEN, ORDER, MODELS, ROOM = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local BREAKER, CPU, SERVICE, LOAD, SIZE = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local HOLDERS = KEYS[11]

local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Milliseconds and incarnations are larger than what Lua writes without an exponent.
local function whole(number) return string.format('%.0f', number) end

local function unlist(id)
  for model in string.gmatch(redis.call('HGET', MODELS, id) or '', '[^\n]+') do
    redis.call('ZREM', HOLDERS .. model, id)
  end
end

local function forget(id)
  unlist(id)
  redis.call('HDEL', RECORDS, id)
  redis.call('ZREM', SEEN, id)
  redis.call('HDEL', ORDER, id)
  redis.call('HDEL', MODELS, id)
  redis.call('ZREM', ROOM, id)
  redis.call('HDEL', BREAKER, id)
end

-- A few at a time: no call pays for a crowd that left.
local function forget_silent()
  local silent = redis.call('ZRANGEBYSCORE', SEEN, '-inf', '(' .. whole(now), 'LIMIT', 0, 8)
  for _, id in ipairs(silent) do forget(id) end
  redis.call('ZREMRANGEBYSCORE', CPU, '-inf', '(' .. whole(now))
end

local function breaker_from(text)
  local failures, opened, tried = string.match(text or '0 0 0', '(%d+) (%d+) (%d+)')
  return tonumber(failures), tonumber(opened), tonumber(tried)
end

local function breaker_of(id) return breaker_from(redis.call('HGET', BREAKER, id)) end

-- The rule is in vram/fleet.py, at `served`.
local function breaker_state(failures, opened, limit, open_ms)
  if failures < limit then return 'closed' end
  if now < opened + open_ms then return 'open' end
  return 'half_open'
end
