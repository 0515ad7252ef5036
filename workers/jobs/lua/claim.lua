-- claim(id, claim_id, limit, max_pixels, queue, ...) -> { outcome, id, flat job hash, id, flat job hash, ... }
--
-- Takes a job, and along with it up to limit - 1 waiting jobs of its queue and batch key, oldest
-- first, as long as all of them have at most max_pixels. One that has lost a worker is taken alone.
-- The queues are those the claimer serves; none: all. A job that waits in another is left to it.
-- outcome: claimed | busy | finished | missing | poisoned | moved; jobs are given for claimed only,
-- the named one first.

local id, claim_id, limit = args[1], args[2], tonumber(args[3])
local job = redis.call('HMGET', job_key(id), 'state', 'claim', 'lease_ms', 'queue', 'batch',
  'pixels', 'attempt')
local state = job[1]
if not state then
  redis.call('ZREM', DUE, id)
  redis.call('ZREM', LEASES, id)
  return { 'missing' }
end
if state == 'running' and tonumber(job[3]) > now then
  if job[2] ~= claim_id then return { 'busy' } end
  local ids = held(claim_id)
  return claimed(claim_id, #ids > 0 and ids or { id })
end
if state ~= 'queued' and state ~= 'running' then return { 'finished' } end
local is_served = #args == 4
for place = 5, #args do is_served = is_served or args[place] == job[4] end
if not is_served then return { 'moved' } end

local outcome = take(id, claim_id)
if outcome ~= 'claimed' then return { outcome } end
local taken = { id }
if limit > 1 and (job[5] or '') ~= '' and job[7] == '0' then
  take_group(job[4], job[5], claim_id, limit, tonumber(args[4]) - tonumber(job[6]), taken)
end
return claimed(claim_id, taken)
