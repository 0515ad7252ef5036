-- reap(leases, due, events; job_prefix, limit, max_attempts, ttl_seconds, error, channel,
--      events_kept) -> { id, blob, state, ... }
--
-- KEYS[1] leases  zset    running job ids by the time (ms) their lease ends
-- KEYS[2] due     zset    queued job ids by the time (ms) their wake-up is due
-- KEYS[3] events  stream  every transition
-- Job hashes are job_prefix .. id, in the slot of these keys.
-- Jobs whose lease has ended are queued again, due now; those without attempts left fail.

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answer = {}
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  local key = ARGV[1] .. id
  local job = redis.call('HMGET', key, 'state', 'attempt', 'blob')
  if job[1] == 'running' then
    local state = 'queued'
    if tonumber(job[2]) >= tonumber(ARGV[3]) then
      state = 'failed'
      redis.call('HSET', key, 'error', ARGV[5], 'finished_ms', now)
      redis.call('EXPIRE', key, ARGV[4])
      redis.call('PUBLISH', ARGV[6], id)
    else
      redis.call('HSET', key, 'sends', 0)
      redis.call('ZADD', KEYS[2], now, id)
    end
    redis.call('HSET', key, 'state', state)
    redis.call('HINCRBY', key, 'version', 1)
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[7], '*',
      'job', id, 'state', state, 'why', state == 'failed' and 'poisoned' or 'lease_ended',
      'attempt', job[2])
    table.insert(answer, id)
    table.insert(answer, job[3])
    table.insert(answer, state)
  end
end
return answer
