-- delete(id) -> { deleted | busy | expired } | missing

local id, key = args[1], batch_key(args[1])
local batch = redis.call('HMGET', key, 'state', 'owner')
if not batch[1] then return missing(id) end
if not is_final(batch[1]) then return { 'busy' } end
for _, part in ipairs(PARTS) do redis.call('UNLINK', batch_key(id, part)) end
redis.call('ZREM', batches_of(batch[2]), id)
redis.call('SET', gone_key(id), batch[2], 'EX', ARGV[8])
return { 'deleted' }
