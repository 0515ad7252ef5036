-- claim_waiting(queue, batch, claim_id, limit, max_pixels, waited_ms)
--   -> { 'claimed', id, flat job hash, ... }
--
-- Takes up to limit waiting jobs of a queue, oldest first, of at most max_pixels together. With a
-- batch key: jobs of that key. Without: the oldest job of the queue, however many pixels it has,
-- and those that may share its batch. Nothing unless the oldest has waited for waited_ms.

local queue, batch, claim_id, limit = args[1], args[2], args[3], tonumber(args[4])
local pixels, waited_ms = tonumber(args[5]), tonumber(args[6])
local taken = held(claim_id)
if #taken > 0 then return claimed(claim_id, taken) end

local index = batch == '' and waiting_key(queue) or group_key(queue, batch)
local oldest = redis.call('ZRANGE', index, 0, 0, 'WITHSCORES')
if not oldest[1] or tonumber(oldest[2]) > now - waited_ms then return { 'claimed' } end
if batch == '' then
  local id = oldest[1]
  local job = redis.call('HMGET', job_key(id), 'state', 'batch', 'pixels', 'attempt')
  if job[1] ~= 'queued' then
    redis.call('ZREM', index, id)
    return { 'claimed' }
  end
  if take(id, claim_id) ~= 'claimed' then return { 'claimed' } end
  taken = { id }
  -- A job that has lost a worker runs alone.
  batch = job[4] == '0' and job[2] or ''
  pixels = pixels - tonumber(job[3])
end
if batch ~= '' then take_group(queue, batch, claim_id, limit, pixels, taken) end
return claimed(claim_id, taken)
