-- Put before every script of this folder. All of them are called with
--
-- KEYS[1] prefix of all keys, with the jobs' hash tag: an end and its deliveries are one step
-- ARGV[1] now in ms; empty: the server's clock      ARGV[2] on: the script's own arguments
--
-- hook:<id>        hash  owner url secrets (blank between, newest first) events (blank between)
--                        description disabled created_ms
-- of:<owner>       set   ids of an owner's webhooks
-- secret:<owner>   string  signs what was asked for with a request, sealed
-- delivery:<id>    hash  hook owner url type subject state attempt event_ms due_ms status error tried_ms
-- due              zset  ids of pending deliveries by the time (ms) they are sent, or looked at again
-- log:<owner>      zset  ids of an owner's deliveries by the time (ms) of their event

local PREFIX = KEYS[1]
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local args = {}
for place = 2, #ARGV do args[place - 1] = ARGV[place] end

local DUE = PREFIX .. 'due'
-- A week: how long the log remembers what has been settled.
local LOG_SECONDS = 604800

local function hook_key(id) return PREFIX .. 'hook:' .. id end
local function delivery_key(id) return PREFIX .. 'delivery:' .. id end

local function settle(id, state)
  redis.call('HSET', delivery_key(id), 'state', state, 'due_ms', '', 'tried_ms', now)
  redis.call('ZREM', DUE, id)
  redis.call('EXPIRE', delivery_key(id), LOG_SECONDS)
  -- Longer than any delivery it names.
  local owner = redis.call('HGET', delivery_key(id), 'owner')
  redis.call('EXPIRE', PREFIX .. 'log:' .. owner, 2 * LOG_SECONDS)
end
