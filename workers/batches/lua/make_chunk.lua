-- make_chunk(chunk, id, limit, queue, reason, device, message, expected_ms, resend_ms, ttl) -> items
--
-- Takes pending items, lowest numbers first, and stores a job for them that waits. 0: none was made.

local chunk, id = args[1], args[2]
local held = batch_key(id, ':held')
if redis.call('EXISTS', job_key(chunk)) == 1 then
  local count = 0
  for _, holder in ipairs(redis.call('HVALS', held)) do
    if holder == chunk then count = count + 1 end
  end
  return count
end
local batch = hunger(id)
if not batch then return 0 end
local text, numbers, place = redis.call('GET', batch_key(id, ':states')), {}, 0
while #numbers < tonumber(args[3]) do
  place = string.find(text, 'p', place + 1, true)
  if not place then break end
  table.insert(numbers, place)
end
for _, number in ipairs(numbers) do
  redis.call('HSET', held, number, chunk)
  move(id, number, 'r')
end
redis.call('SADD', batch_key(id, ':chunks'), chunk)
local options = '{"kind":"chunk","batch":' .. cjson.encode(id) .. ',"items":['
  .. table.concat(numbers, ',') .. '],"options":' .. batch[3] .. ',"priority":"batch"}'
store_job(chunk, batch[2], '0', now + args[9], { 'queue', args[4], 'reason', args[5], 'device', args[6],
  'route_message', args[7], 'expected_ms', args[8], 'fingerprint', '', 'options', options,
  'kind', 'chunk', 'blobs', '[]', 'batch', '', 'pixels', 0, 'tags', '[]', 'ttl', args[10],
  'chunk_of', id })
changed(id, false)
return #numbers
