-- Put before every script of this folder. All of them are called with
--
-- KEYS[1] due     zset    queued job ids by the time (ms) their wake-up is due
-- KEYS[2] leases  zset    running job ids by the time (ms) their lease ends
-- KEYS[3] events  stream  every transition: job, state, why, attempt
-- ARGV[1] prefix of all keys, with the hash tag of KEYS: the keys below are in their slot
-- ARGV[2] events_kept     ARGV[3] ttl_seconds of an ended job   ARGV[4] channel of all changes
-- ARGV[5] lease_ms        ARGV[6] max_attempts                  ARGV[7] error of a poisoned job
-- ARGV[8] gone_seconds    ARGV[9] cache_seconds; 0: no cache
-- ARGV[10] on: the script's own arguments, as its first line names them
--
-- job:<id>             hash    one job (docs/reference/redis-keys.md)
-- waiting:<queue>      zset    ids of the queued jobs of a queue by the time (ms) of their submission
-- group:<queue>:<key>  zset    those of them that may share a batch: of one batch key, never claimed
-- queues               set     queues that have jobs waiting
-- ended                hash    "<kind> <state> <error code>" -> how many jobs have ended so
-- claim:<claim id>     string  ids that a claim took, so that repeating it takes no more
-- owned:<owner>        zset    ids of an owner's listed jobs by the time (ms) of their submission
-- expiring             zset    "<owner> <id>" of ended listed jobs by the time (ms) they expire
-- gone:<id>            string  owner of a job that has ended; outlives it by gone_seconds
-- cached:<key>         string  id of the job that succeeded with that answer
-- same:<id>            string  "<fingerprint> <id of the job it was answered with>"

local DUE, LEASES, EVENTS = KEYS[1], KEYS[2], KEYS[3]
local PREFIX, LEASE_MS, MAX_ATTEMPTS = ARGV[1], tonumber(ARGV[5]), tonumber(ARGV[6])
local args = {}
for place = 10, #ARGV do args[place - 9] = ARGV[place] end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function job_key(id) return PREFIX .. 'job:' .. id end
local function waiting_key(queue) return PREFIX .. 'waiting:' .. queue end
local function group_key(queue, key) return PREFIX .. 'group:' .. queue .. ':' .. key end
local function owned_key(owner) return PREFIX .. 'owned:' .. owner end
local function gone_key(id) return PREFIX .. 'gone:' .. id end
local function cached_key(key) return PREFIX .. 'cached:' .. key end

-- Count a change, keep it in the stream, and tell whoever watches.
local function tell(id, state, why)
  local version = redis.call('HINCRBY', job_key(id), 'version', 1)
  local job = redis.call('HMGET', job_key(id), 'attempt', 'owner', 'kind')
  redis.call('XADD', EVENTS, 'MAXLEN', '~', ARGV[2], '*', 'job', id, 'state', state, 'why', why,
    'attempt', job[1])
  redis.call('PUBLISH', ARGV[4], cjson.encode({ id = id, owner = job[2] or 'local',
    kind = job[3] or 'analyze', state = state, version = version }))
end

-- Have an end told to those who asked for it; see api/webhooks/lua/prelude.lua for the keys.
-- kind: "job" or "batch"; url: given with the request itself, or nothing.
local function announce_end(id, owner, kind, state, version, url)
  local event = kind .. '.' .. state
  local targets = {}
  for _, hook in ipairs(redis.call('SMEMBERS', PREFIX .. 'hooks:of:' .. owner)) do
    local found = redis.call('HMGET', PREFIX .. 'hooks:hook:' .. hook, 'events', 'disabled', 'url')
    if found[1] and found[2] == ''
      and string.find(' ' .. found[1] .. ' ', ' ' .. event .. ' ', 1, true) then
      table.insert(targets, { hook, found[3] })
    end
  end
  if url and url ~= '' then table.insert(targets, { '', url }) end
  for _, target in ipairs(targets) do
    local delivery = target[1] .. ':' .. id .. ':' .. version
    redis.call('HSET', PREFIX .. 'hooks:delivery:' .. delivery, 'hook', target[1], 'owner', owner,
      'url', target[2], 'type', event, 'subject', id, 'state', 'pending', 'attempt', 0,
      'event_ms', now, 'due_ms', now)
    redis.call('ZADD', PREFIX .. 'hooks:due', now, delivery)
    local log = PREFIX .. 'hooks:log:' .. owner
    redis.call('ZADD', log, now, delivery)
    -- The newest thousand: what an owner may read back.
    redis.call('ZREMRANGEBYRANK', log, 0, -1001)
  end
end

-- A job waits in its queue from now on; its wake-up is due then.
local function enqueue(id, due_ms)
  local job = redis.call('HMGET', job_key(id), 'queue', 'batch', 'created_ms', 'attempt')
  redis.call('ZADD', DUE, due_ms, id)
  redis.call('ZADD', waiting_key(job[1]), job[3], id)
  redis.call('SADD', PREFIX .. 'queues', job[1])
  -- A job that has lost a worker runs alone: should it be the reason, it takes no other with it.
  if job[2] and job[2] ~= '' and job[4] == '0' then
    redis.call('ZADD', group_key(job[1], job[2]), job[3], id)
  end
end

-- Store a job that waits, whose wake-up is due then. fields: name, value, ... of those that scripts
-- only keep, and queue, reason, device, route_message, expected_ms, fingerprint.
local function store_job(id, owner, listed, due_ms, fields)
  redis.call('HSET', job_key(id), 'state', 'queued', 'owner', owner, 'listed', listed,
    'version', 0, 'attempt', 0, 'fence', 0, 'sends', 1, 'created_ms', now, unpack(fields))
  if listed == '1' then redis.call('ZADD', owned_key(owner), now, id) end
  enqueue(id, due_ms)
  tell(id, 'queued', 'submitted')
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

-- End a job. The server deletes its hash when its time is over; what else tells of it then is
-- dropped by later submissions.
local function end_job(id, state, why, field, value)
  local job = redis.call('HMGET', job_key(id), 'ttl', 'owner', 'listed', 'cache', 'webhook', 'kind')
  local ttl = tonumber(job[1] or ARGV[3])
  local expires_ms = now + ttl * 1000
  dequeue(id)
  redis.call('ZREM', LEASES, id)
  redis.call('HSET', job_key(id), 'state', state, 'finished_ms', now, 'expires_ms', expires_ms)
  if field then redis.call('HSET', job_key(id), field, value) end
  if state == 'succeeded' and job[4] and ARGV[9] ~= '0' then
    redis.call('SET', cached_key(job[4]), id, 'EX', ARGV[9])
  end
  if job[3] == '1' then
    redis.call('SET', gone_key(id), job[2], 'EX', ttl + tonumber(ARGV[8]))
    redis.call('ZADD', PREFIX .. 'expiring', expires_ms, job[2] .. ' ' .. id)
  end
  local code = state == 'failed' and why or ''
  redis.call('HINCRBY', PREFIX .. 'ended', (job[6] or 'analyze') .. ' ' .. state .. ' ' .. code, 1)
  tell(id, state, why)
  if job[3] == '1' then
    local version = redis.call('HGET', job_key(id), 'version')
    announce_end(id, job[2], 'job', state, version, job[5])
  end
  redis.call('EXPIRE', job_key(id), ttl)
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

-- What an id was given to before: known | cached, its job's id and flat hash; conflict; expired.
-- nil: nothing.
local function known(id, fingerprint)
  local job = redis.call('HMGET', job_key(id), 'state', 'fingerprint')
  if job[1] then
    if (job[2] or '') ~= fingerprint then return { 'conflict' } end
    return { 'known', id, redis.call('HGETALL', job_key(id)) }
  end
  local same = redis.call('GET', PREFIX .. 'same:' .. id)
  if same then
    local given, other = string.match(same, '^(%S+) (%S+)$')
    if given ~= fingerprint then return { 'conflict' } end
    if redis.call('EXISTS', job_key(other)) == 0 then return { 'expired' } end
    return { 'cached', other, redis.call('HGETALL', job_key(other)) }
  end
  if redis.call('EXISTS', gone_key(id)) == 1 then return { 'expired' } end
  return nil
end
