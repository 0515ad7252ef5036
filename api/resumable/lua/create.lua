-- create(id, owner, length, metadata, ttl_ms, most_uploads, most_bytes) -> the hash | nothing: quota
local id, owner, length, metadata, ttl_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if redis.call('EXISTS', UPLOAD) == 1 then return as_it_is() end

-- Those that have expired count no more. What is beyond this many is released by the next call.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', OF, '-inf', now, 'LIMIT', 0, 1000)) do
  release(member)
end
local used = tonumber(redis.call('GET', BYTES) or '0')
if redis.call('ZCARD', OF) >= tonumber(ARGV[6]) or used + tonumber(length) > tonumber(ARGV[7]) then
  return {}
end

local expires = now + ttl_ms
redis.call('HSET', UPLOAD, 'id', id, 'owner', owner, 'length', length, 'offset', 0,
  'metadata', metadata, 'created_ms', now, 'expires_ms', expires)
redis.call('PEXPIREAT', UPLOAD, expires)
redis.call('ZADD', OF, expires, id .. ' ' .. length)
redis.call('INCRBY', BYTES, length)
-- Both last as long as the latest upload.
redis.call('PEXPIREAT', OF, expires)
redis.call('PEXPIREAT', BYTES, expires)
return as_it_is()
