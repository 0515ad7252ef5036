-- claim(job, due, leases, events; id, claim_id, lease_ms, max_attempts, ttl_seconds, error, channel,
--       events_kept) -> { outcome, flat job hash }
--
-- KEYS[1] job     hash    one job
-- KEYS[2] due     zset    queued job ids by the time (ms) their wake-up is due
-- KEYS[3] leases  zset    running job ids by the time (ms) their lease ends
-- KEYS[4] events  stream  every transition
-- outcome: claimed | busy | finished | missing | poisoned; the hash is given for claimed and poisoned.

local id, claim_id = ARGV[1], ARGV[2]
local job = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'fence', 'claim', 'lease_ms')
local state = job[1]
if not state then
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
  return { 'missing', {} }
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

if state == 'running' and tonumber(job[5]) > now then
  if job[4] == claim_id then return { 'claimed', redis.call('HGETALL', KEYS[1]) } end
  return { 'busy', {} }
end
if state ~= 'queued' and state ~= 'running' then return { 'finished', {} } end

redis.call('ZREM', KEYS[2], id)
if tonumber(job[2]) >= tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], 'state', 'failed', 'error', ARGV[6], 'finished_ms', now)
  redis.call('HINCRBY', KEYS[1], 'version', 1)
  redis.call('EXPIRE', KEYS[1], ARGV[5])
  redis.call('ZREM', KEYS[3], id)
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[8], '*',
    'job', id, 'state', 'failed', 'why', 'poisoned', 'attempt', job[2])
  redis.call('PUBLISH', ARGV[7], id)
  return { 'poisoned', redis.call('HGETALL', KEYS[1]) }
end

local attempt = tonumber(job[2]) + 1
redis.call('HSET', KEYS[1], 'state', 'running', 'attempt', attempt, 'fence', tonumber(job[3]) + 1,
  'claim', claim_id, 'lease_ms', now + ARGV[3], 'started_ms', now)
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('ZADD', KEYS[3], now + ARGV[3], id)
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[8], '*',
  'job', id, 'state', 'running', 'why', 'claimed', 'attempt', attempt)
return { 'claimed', redis.call('HGETALL', KEYS[1]) }
