-- submit(id, queue, reason, device, message, expected_ms, resend_ms, fingerprint, owner, listed,
--   field, value, ...) -> { outcome, id, flat job hash }
--
-- Stores a job that waits, with the fields given. outcome: new; or, nothing having changed, known |
-- cached (the job the id was answered with) | conflict (the id is another request's) | expired.

local id, owner, listed = args[1], args[9], args[10]
local before = known(id, args[8])
if before then return before end
-- Two for one: what has expired is dropped faster than new jobs come.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', PREFIX .. 'expiring', '-inf', now,
  'LIMIT', 0, 16)) do
  local whose, which = string.match(member, '^(.*) (%S+)$')
  redis.call('ZREM', owned_key(whose), which)
  redis.call('ZREM', PREFIX .. 'expiring', member)
end
local fields = { 'queue', args[2], 'reason', args[3], 'device', args[4], 'route_message', args[5],
  'expected_ms', args[6], 'fingerprint', args[8] }
for place = 11, #args do table.insert(fields, args[place]) end
store_job(id, owner, listed, now + args[7], fields)
return { 'new', id, redis.call('HGETALL', job_key(id)) }
