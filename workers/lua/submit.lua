-- submit(job, due, events; id, options, queue, reason, device, blob, resend_ms, events_kept) -> flat job hash
--
-- KEYS[1] job     hash    one job (see docs/reference/redis-keys.md)
-- KEYS[2] due     zset    queued job ids by the time (ms) their wake-up is due
-- KEYS[3] events  stream  every transition: job, state, why, attempt
-- Returns the job as stored; when the id is known already nothing changes.

if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('HGETALL', KEYS[1]) end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1],
  'state', 'queued', 'options', ARGV[2], 'queue', ARGV[3], 'reason', ARGV[4], 'device', ARGV[5],
  'blob', ARGV[6], 'version', 1, 'attempt', 0, 'fence', 0, 'sends', 1, 'created_ms', now)
redis.call('ZADD', KEYS[2], now + ARGV[7], ARGV[1])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[8], '*',
  'job', ARGV[1], 'state', 'queued', 'why', 'submitted', 'attempt', 0)
return redis.call('HGETALL', KEYS[1])
