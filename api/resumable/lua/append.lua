-- append(offset, most_pieces, piece, piece, ...) -> {noted 0 | 1, the hash, or nothing: it is gone}
local offset, most_pieces = tonumber(ARGV[1]), tonumber(ARGV[2])

if redis.call('EXISTS', UPLOAD) == 0 then return {0, {}} end
local upload = redis.call('HMGET', UPLOAD, 'offset', 'length', 'expires_ms')
if tonumber(upload[1]) ~= offset then
  -- Said again because the answer was lost, or somebody else was first.
  local noted = redis.call('LPOS', PIECES, ARGV[3]) and 1 or 0
  return {noted, as_it_is()}
end

local behind = offset
for place = 3, #ARGV do behind = behind + tonumber(string.match(ARGV[place], ' (%d+)$')) end
local count = redis.call('LLEN', PIECES) + #ARGV - 2
if behind > tonumber(upload[2]) or count > most_pieces then return {0, as_it_is()} end

for place = 3, #ARGV do redis.call('RPUSH', PIECES, ARGV[place]) end
redis.call('PEXPIREAT', PIECES, upload[3])
redis.call('HSET', UPLOAD, 'offset', string.format('%.0f', behind))
return {1, as_it_is()}
