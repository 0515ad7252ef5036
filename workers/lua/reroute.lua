-- reroute(job, events; id, queue, reason, device, events_kept) -> 1 | 0
--
-- KEYS[1] job     hash    one job
-- KEYS[2] events  stream  every transition
-- Returns 0 when the job is not queued.

if redis.call('HGET', KEYS[1], 'state') ~= 'queued' then return 0 end
redis.call('HSET', KEYS[1], 'queue', ARGV[2], 'reason', ARGV[3], 'device', ARGV[4])
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[5], '*',
  'job', ARGV[1], 'state', 'queued', 'why', 'rerouted:' .. ARGV[2])
return 1
