-- delete(id) -> { outcome, value }
--
-- Forgets a job; one that waits or runs ends as cancelled first, and its worker finds its lease
-- lost. outcome: deleted, with its blobs | gone, with its owner (it had expired or was deleted) |
-- missing.

local id = args[1]
local job = redis.call('HMGET', job_key(id), 'state', 'owner', 'blobs', 'cache')
if not job[1] then
  local owner = redis.call('GET', gone_key(id))
  if owner then return { 'gone', owner } end
  return { 'missing', '' }
end
local owner = job[2] or 'local'
if job[1] == 'queued' or job[1] == 'running' then end_job(id, 'cancelled', 'deleted') end
redis.call('SET', gone_key(id), owner, 'EX', ARGV[8])
redis.call('ZREM', owned_key(owner), id)
redis.call('ZREM', PREFIX .. 'expiring', owner .. ' ' .. id)
if job[4] and redis.call('GET', cached_key(job[4])) == id then
  redis.call('DEL', cached_key(job[4]))
end
redis.call('DEL', job_key(id))
return { 'deleted', job[3] or '[]' }
