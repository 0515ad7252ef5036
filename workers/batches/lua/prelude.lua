-- Put after the prelude of jobs (workers/jobs/lua) before every script of this folder. The script's
-- own arguments come after these:
--
-- args[1] retry_ms        how long failed items can be retried after a batch's end
-- args[2] most_items      of a batch
-- args[3] most_waiting    chunks of a batch that no worker has taken yet
-- args[4] open_ms         a batch nothing was added to for so long is closed
-- args[5] error of a poisoned item, JSON
-- args[6] on, args[1] on from here: as the script's first line names them
--
-- batch:<id>          hash    one batch (docs/reference/redis-keys.md), with its counts
-- batch:<id>:items    hash    number -> JSON: custom id, blob key, what it is known again by, pixels,
--                             and of enrolment the person's id
-- batch:<id>:ids      hash    custom id -> number
-- batch:<id>:states   string  a letter per item, see COUNTED
-- batch:<id>:ends     hash    number -> tries, ":", answer or error as JSON; holds for ended items
-- batch:<id>:tries    hash    number -> workers that began with it and did not end it, " ", step
-- batch:<id>:held     hash    number -> the chunk that has it; of running items only
-- batch:<id>:chunks   set     chunks that may have items
-- batch:<id>:people   hash    of enrolment: id of a person -> 1 if the batch made them, else 0
-- batch:<id>:leaves   hash    of enrolment: number -> leaf of the person it shows
-- batches             zset    ids of batches that have not ended, by when they were last tended (ms)
-- batches_of:<owner>  zset    ids of an owner's batches by the time (ms) of their creation
-- gone:<id>           string  owner of a batch that has ended, as of a job

local RETRY_MS, MOST_ITEMS, MOST_WAITING = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
local OPEN_MS, POISONED = tonumber(args[4]), args[5]
args = { unpack(args, 6) }

local BATCHES = PREFIX .. 'batches'
local PARTS = { '', ':items', ':ids', ':states', ':ends', ':tries', ':held', ':chunks',
  ':people', ':leaves' }
-- Letter -> the count it belongs to. f: its photo is there and its error may pass; g: its photo is
-- there; x: nothing is left to try again with.
local COUNTED = { p = 'pending', r = 'running', s = 'succeeded', c = 'cancelled', f = 'failed',
  g = 'failed', x = 'failed' }
-- Most chunks of a batch at a time, however large the fleet.
local MOST_CHUNKS = 256
-- A change of counts alone is told this often at most.
local TELL_MS = 1000
-- Throughput is measured over the last one to two of these.
local WINDOW_MS = 30000

local function batch_key(id, part) return PREFIX .. 'batch:' .. id .. (part or '') end
local function batches_of(owner) return PREFIX .. 'batches_of:' .. owner end
local function is_final(state) return state ~= 'open' and state ~= 'running' end

-- Why there is no such batch.
local function missing(id)
  local owner = redis.call('GET', gone_key(id))
  if owner then return { 'expired', owner } end
  return { 'missing' }
end

-- What a batch is read from: the store's time and its hash.
local function view(id) return { now, redis.call('HGETALL', batch_key(id)) } end

-- Count a change, and tell whoever watches; one of counts alone not too often.
local function changed(id, is_news)
  local key = batch_key(id)
  local version = redis.call('HINCRBY', key, 'version', 1)
  local batch = redis.call('HMGET', key, 'owner', 'state', 'told_ms')
  if not is_news and now - tonumber(batch[3] or 0) < TELL_MS then return end
  redis.call('HSET', key, 'told_ms', now)
  redis.call('PUBLISH', ARGV[4], cjson.encode({ id = id, owner = batch[1], kind = 'batch',
    state = batch[2], version = version }))
end

-- An item's state becomes another; the counts follow.
local function move(id, number, letter)
  local states = batch_key(id, ':states')
  local from = redis.call('GETRANGE', states, number - 1, number - 1)
  if from == letter then return end
  redis.call('SETRANGE', states, number - 1, letter)
  redis.call('HINCRBY', batch_key(id), COUNTED[from], -1)
  redis.call('HINCRBY', batch_key(id), COUNTED[letter], 1)
end

-- The state of all items of some letters becomes another; how many there were.
local function move_all(id, letters, letter)
  local key, states = batch_key(id), batch_key(id, ':states')
  local text = redis.call('GET', states) or ''
  local moved, count = string.gsub(text, '[' .. letters .. ']', letter)
  if count == 0 then return 0 end
  redis.call('SET', states, moved)
  redis.call('HINCRBY', key, COUNTED[string.sub(letters, 1, 1)], -count)
  redis.call('HINCRBY', key, COUNTED[letter], count)
  return count
end

-- End a batch that takes no more items and whose items have all ended.
local function end_if_done(id)
  local key = batch_key(id)
  local batch = redis.call('HMGET', key, 'state', 'closed_ms', 'pending', 'running', 'cancel',
    'succeeded', 'failed', 'owner', 'webhook')
  if is_final(batch[1]) or not batch[2] or batch[3] ~= '0' or batch[4] ~= '0' then return end
  local state = 'partial'
  if batch[5] then
    state = 'cancelled'
  elseif batch[7] == '0' then
    state = 'succeeded'
  elseif batch[6] == '0' then
    state = 'failed'
  end
  local ttl = tonumber(ARGV[3])
  redis.call('HSET', key, 'state', state, 'finished_ms', now, 'expires_ms', now + ttl * 1000,
    'retry_until_ms', now + math.min(RETRY_MS, ttl * 1000))
  redis.call('ZREM', BATCHES, id)
  for _, part in ipairs(PARTS) do redis.call('PEXPIREAT', batch_key(id, part), now + ttl * 1000) end
  redis.call('SET', gone_key(id), batch[8], 'EX', ttl + tonumber(ARGV[8]))
  changed(id, true)
  announce_end(id, batch[8], 'batch', state, redis.call('HGET', key, 'version'), batch[9])
end

-- Write an item's end.
local function end_item(id, number, letter, text)
  local tries = string.match(redis.call('HGET', batch_key(id, ':tries'), number) or '0', '^%d+')
  redis.call('HSET', batch_key(id, ':ends'), number, tries .. ':' .. text)
  redis.call('HDEL', batch_key(id, ':tries'), number)
  redis.call('HDEL', batch_key(id, ':held'), number)
  move(id, number, letter)
end

-- Whether an item has lost as many workers as it may.
local function is_poisoned(id, number)
  local tries = string.match(redis.call('HGET', batch_key(id, ':tries'), number) or '0', '^%d+')
  return tonumber(tries) >= MAX_ATTEMPTS
end

-- Take a chunk's items from it: they wait again, or end with their batch. How many there were.
local function release(id, chunk)
  local held, released = redis.call('HGETALL', batch_key(id, ':held')), 0
  local is_cancelled = redis.call('HEXISTS', batch_key(id), 'cancel') == 1
  for place = 1, #held, 2 do
    local number = held[place]
    if held[place + 1] == chunk then
      released = released + 1
      if is_cancelled then
        redis.call('HDEL', batch_key(id, ':tries'), number)
        redis.call('HDEL', batch_key(id, ':held'), number)
        move(id, number, 'c')
      elseif is_poisoned(id, number) then
        end_item(id, number, 'g', POISONED)
      else
        redis.call('HDEL', batch_key(id, ':held'), number)
        move(id, number, 'p')
      end
    end
  end
  redis.call('SREM', batch_key(id, ':chunks'), chunk)
  if released > 0 then changed(id, false) end
  end_if_done(id)
  return released
end

-- Ask for a chunk's end, and take its items from it as soon as nobody works on them.
local function end_chunk(id, chunk)
  local job = redis.call('HMGET', job_key(chunk), 'state', 'lease_ms', 'cancel')
  if job[1] == 'running' and tonumber(job[2]) > now then
    if not job[3] then
      redis.call('HSET', job_key(chunk), 'cancel', 1)
      tell(chunk, 'running', 'cancel_asked')
    end
    return
  end
  if job[1] == 'queued' or job[1] == 'running' then end_job(chunk, 'cancelled', 'cancelled') end
  release(id, chunk)
end

-- Take no more items.
local function close(id)
  local batch = redis.call('HMGET', batch_key(id), 'state', 'closed_ms')
  if batch[2] then return end
  redis.call('HSET', batch_key(id), 'state', 'running', 'closed_ms', now)
  changed(id, true)
end

-- id, owner, options, pending, chunks, ms per item; nil: it can do without a chunk.
local function hunger(id)
  local batch = redis.call('HMGET', batch_key(id), 'owner', 'options', 'pending', 'state',
    'item_ms', 'cancel')
  if not batch[1] or batch[3] == '0' or is_final(batch[4]) or batch[6] then return nil end
  local waiting, chunks = 0, redis.call('SMEMBERS', batch_key(id, ':chunks'))
  for _, chunk in ipairs(chunks) do
    if redis.call('HGET', job_key(chunk), 'state') == 'queued' then waiting = waiting + 1 end
  end
  if waiting >= MOST_WAITING or #chunks >= MOST_CHUNKS then return nil end
  return { id, batch[1], batch[2], batch[3], #chunks, batch[5] or '' }
end

-- The batch of a chunk that its caller holds; nil: it has lost it.
local function batch_of(chunk, fence)
  local job = redis.call('HMGET', job_key(chunk), 'state', 'fence', 'chunk_of')
  if job[1] == 'running' and job[2] == fence then return job[3] end
  return nil
end
