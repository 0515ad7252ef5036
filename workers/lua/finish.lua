-- finish(job, due, leases, events; id, fence, state, field, value, ttl_seconds, channel, why,
--        events_kept) -> 1 | 0
--
-- KEYS[1] job     hash    one job
-- KEYS[2] due     zset    queued job ids by the time (ms) their wake-up is due
-- KEYS[3] leases  zset    running job ids by the time (ms) their lease ends
-- KEYS[4] events  stream  every transition
-- Ends a job: state is succeeded or failed, field is result or error, value its JSON.
-- Returns 0 when the fence is not the job's; 1 also when this very end was written before.

local job = redis.call('HMGET', KEYS[1], 'state', 'fence', 'attempt')
if job[2] ~= ARGV[2] then return 0 end
if job[1] == ARGV[3] then return 1 end
if job[1] ~= 'running' then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'state', ARGV[3], ARGV[4], ARGV[5], 'finished_ms', now)
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[9], '*',
  'job', ARGV[1], 'state', ARGV[3], 'why', ARGV[8], 'attempt', job[3])
redis.call('PUBLISH', ARGV[7], ARGV[1])
return 1
