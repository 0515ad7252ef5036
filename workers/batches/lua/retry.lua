-- retry(id, letters) -> { 'retried', count } | is_cancelled | over | missing | expired
--
-- Failed items of these letters wait again; a batch that has ended goes on.

local id, key = args[1], batch_key(args[1])
local batch = redis.call('HMGET', key, 'state', 'cancel', 'retry_until_ms', 'pending', 'running')
if not batch[1] then return missing(id) end
if batch[2] then return { 'is_cancelled' } end
if batch[3] and tonumber(batch[3]) < now then return { 'over' } end
local count = move_all(id, args[2], 'p')
if count == 0 then return { 'retried', 0 } end
if is_final(batch[1]) then
  redis.call('HSET', key, 'state', 'running')
  redis.call('HDEL', key, 'finished_ms', 'expires_ms', 'retry_until_ms')
  for _, part in ipairs(PARTS) do redis.call('PERSIST', batch_key(id, part)) end
  redis.call('DEL', gone_key(id))
  redis.call('ZADD', BATCHES, now, id)
end
if batch[4] == '0' and batch[5] == '0' then redis.call('HDEL', key, 'mark_ms') end
changed(id, true)
return { 'retried', count }
