-- delete(id) -> its pieces
local upload = redis.call('HMGET', UPLOAD, 'length')
local pieces = redis.call('LRANGE', PIECES, 0, -1)
if upload[1] then release(ARGV[1] .. ' ' .. upload[1]) end
redis.call('DEL', UPLOAD, PIECES)
return pieces
