-- submit(id, queue, reason, device, message, expected_ms, options, blob, batch, pixels, resend_ms)
--   -> flat job hash
--
-- Returns the job as stored; when the id is known already nothing changes.

local id = args[1]
if redis.call('EXISTS', job_key(id)) == 0 then
  redis.call('HSET', job_key(id),
    'state', 'queued', 'queue', args[2], 'reason', args[3], 'device', args[4],
    'route_message', args[5], 'expected_ms', args[6], 'options', args[7], 'blob', args[8],
    'batch', args[9], 'pixels', args[10], 'version', 0, 'attempt', 0, 'fence', 0, 'sends', 1,
    'created_ms', now)
  enqueue(id, now + args[11])
  tell(id, 'queued', 'submitted')
end
return redis.call('HGETALL', job_key(id))
