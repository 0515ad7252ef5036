-- Put before every script of this folder. All of them are called with
--
-- KEYS[1] due     zset    queued job ids by the time (ms) their wake-up is due
-- KEYS[2] leases  zset    running job ids by the time (ms) their lease ends
-- KEYS[3] events  stream  every transition: job, state, why, attempt
-- ARGV[1] prefix of all keys, with the hash tag of KEYS: the keys below are in their slot
-- ARGV[2] events_kept     ARGV[3] ttl_seconds of an ended job   ARGV[4] channel of ended jobs
-- ARGV[5] lease_ms        ARGV[6] max_attempts                  ARGV[7] error of a poisoned job
-- ARGV[8] on: the script's own arguments, as its first line names them
--
-- job:<id>             hash    one job (docs/reference/redis-keys.md)
-- waiting:<queue>      zset    ids of the queued jobs of a queue by the time (ms) of their submission
-- group:<queue>:<key>  zset    those of them that may share a batch: of one batch key, never claimed
-- queues               set     queues that have jobs waiting
-- claim:<claim id>     string  ids that a claim took, so that repeating it takes no more

local DUE, LEASES, EVENTS = KEYS[1], KEYS[2], KEYS[3]
local PREFIX, LEASE_MS, MAX_ATTEMPTS = ARGV[1], tonumber(ARGV[5]), tonumber(ARGV[6])
local args = {}
for place = 8, #ARGV do args[place - 7] = ARGV[place] end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function job_key(id) return PREFIX .. 'job:' .. id end
local function waiting_key(queue) return PREFIX .. 'waiting:' .. queue end
local function group_key(queue, key) return PREFIX .. 'group:' .. queue .. ':' .. key end

local function tell(id, state, why)
  redis.call('HINCRBY', job_key(id), 'version', 1)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', ARGV[2], '*', 'job', id, 'state', state, 'why', why,
    'attempt', redis.call('HGET', job_key(id), 'attempt'))
end

-- A job waits in its queue from now on; its wake-up is due then.
local function enqueue(id, due_ms)
  local job = redis.call('HMGET', job_key(id), 'queue', 'batch', 'created_ms', 'attempt')
  redis.call('ZADD', DUE, due_ms, id)
  redis.call('ZADD', waiting_key(job[1]), job[3], id)
  redis.call('SADD', PREFIX .. 'queues', job[1])
  -- A job that has lost a worker runs alone: should it be the reason, it takes no other with it.
  if job[2] and job[4] == '0' then redis.call('ZADD', group_key(job[1], job[2]), job[3], id) end
end

local function dequeue(id)
  redis.call('ZREM', DUE, id)
  local job = redis.call('HMGET', job_key(id), 'queue', 'batch')
  if not job[1] then return end
  redis.call('ZREM', waiting_key(job[1]), id)
  if redis.call('EXISTS', waiting_key(job[1])) == 0 then
    redis.call('SREM', PREFIX .. 'queues', job[1])
  end
  if job[2] then redis.call('ZREM', group_key(job[1], job[2]), id) end
end

local function end_job(id, state, why, field, value)
  dequeue(id)
  redis.call('ZREM', LEASES, id)
  redis.call('HSET', job_key(id), 'state', state, 'finished_ms', now)
  if field then redis.call('HSET', job_key(id), field, value) end
  tell(id, state, why)
  redis.call('EXPIRE', job_key(id), ARGV[3])
  redis.call('PUBLISH', ARGV[4], id)
end

-- Give a job that waits, or whose lease has ended, to a claim: claimed | poisoned | finished.
local function take(id, claim_id)
  local job = redis.call('HMGET', job_key(id), 'attempt', 'fence', 'cancel')
  if job[3] then
    end_job(id, 'cancelled', 'cancelled')
    return 'finished'
  end
  if tonumber(job[1]) >= MAX_ATTEMPTS then
    end_job(id, 'failed', 'poisoned', 'error', ARGV[7])
    return 'poisoned'
  end
  dequeue(id)
  redis.call('HSET', job_key(id), 'state', 'running', 'attempt', tonumber(job[1]) + 1,
    'fence', tonumber(job[2]) + 1, 'claim', claim_id, 'lease_ms', now + LEASE_MS,
    'started_ms', now)
  redis.call('ZADD', LEASES, now + LEASE_MS, id)
  tell(id, 'running', 'claimed')
  return 'claimed'
end

-- Take waiting jobs of a group, oldest first, until `taken` holds `limit` of them or the next
-- would exceed the pixels that are left.
local function take_group(queue, key, claim_id, limit, pixels_left, taken)
  local group = group_key(queue, key)
  for _, id in ipairs(redis.call('ZRANGE', group, 0, limit - 1)) do
    if #taken >= limit then return end
    local job = redis.call('HMGET', job_key(id), 'state', 'pixels')
    if job[1] ~= 'queued' then
      redis.call('ZREM', group, id)
    else
      pixels_left = pixels_left - tonumber(job[2])
      if pixels_left < 0 then return end
      if take(id, claim_id) == 'claimed' then table.insert(taken, id) end
    end
  end
end

-- What a claim answers: outcome, then id and flat hash of each job; kept for a repetition.
local function claimed(claim_id, taken)
  redis.call('SET', PREFIX .. 'claim:' .. claim_id, table.concat(taken, ' '), 'PX', LEASE_MS)
  local answer = { 'claimed' }
  for _, id in ipairs(taken) do
    table.insert(answer, id)
    table.insert(answer, redis.call('HGETALL', job_key(id)))
  end
  return answer
end

-- The ids a claim has taken and still holds, if it was made before.
local function held(claim_id)
  local ids = {}
  local taken = redis.call('GET', PREFIX .. 'claim:' .. claim_id)
  for id in string.gmatch(taken or '', '%S+') do
    local job = redis.call('HMGET', job_key(id), 'state', 'claim', 'lease_ms')
    if job[1] == 'running' and job[2] == claim_id and tonumber(job[3]) > now then
      table.insert(ids, id)
    end
  end
  return ids
end
