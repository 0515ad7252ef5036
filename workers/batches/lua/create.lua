-- create(id, owner, options, tags, fingerprint, webhook, keep_photos, intake) -> { outcome, now, flat batch hash }
--
-- outcome: new | known; or conflict (the id is another request's) | expired.

local id, key = args[1], batch_key(args[1])
local stored = redis.call('HGET', key, 'fingerprint')
if stored then
  if stored ~= args[5] then return { 'conflict' } end
  return { 'known', unpack(view(id)) }
end
if redis.call('EXISTS', gone_key(id)) == 1 then return missing(id) end
-- Two for one: what has expired is dropped faster than new batches come.
for _, old in ipairs(redis.call('ZRANGE', batches_of(args[2]), 0, 1)) do
  if redis.call('EXISTS', batch_key(old)) == 0 then redis.call('ZREM', batches_of(args[2]), old) end
end
redis.call('HSET', key, 'state', 'open', 'owner', args[2], 'options', args[3], 'tags', args[4],
  'fingerprint', args[5], 'webhook', args[6], 'keep_photos', args[7], 'intake', args[8],
  'version', 0, 'created_ms', now, 'added_ms', now, 'total', 0, 'pending', 0, 'running', 0, 'succeeded', 0, 'failed', 0, 'cancelled', 0, 'done', 0)
redis.call('ZADD', BATCHES, now, id)
redis.call('ZADD', batches_of(args[2]), now, id)
changed(id, true)
return { 'new', unpack(view(id)) }
