-- faces_read(uid, face, ...) -> { found, keys_version, generation, record or '', image key or '', ... } | missing

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local generation = redis.call('HGET', key(uid), 'generation')
local answer = told(uid, 'found', generation)
for place = 2, #args do
  table.insert(answer, redis.call('HGET', faces_key(uid, generation), args[place]) or '')
  table.insert(answer, redis.call('HGET', key(uid, 'images'), args[place]) or '')
end
return answer
