-- reroute(id, queue, reason, device, message, expected_ms) -> 1 | 0
--
-- Returns 0 when the job is not queued. Its wake-up stays due when it was.

local id = args[1]
if redis.call('HGET', job_key(id), 'state') ~= 'queued' then return 0 end
local due_ms = redis.call('ZSCORE', DUE, id) or now
dequeue(id)
redis.call('HSET', job_key(id), 'queue', args[2], 'reason', args[3], 'device', args[4],
  'route_message', args[5], 'expected_ms', args[6])
enqueue(id, due_ms)
tell(id, 'queued', 'rerouted:' .. args[2])
return 1
