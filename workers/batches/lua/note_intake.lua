-- note_intake(id, intake) -> { noted } | missing | expired

local id, key = args[1], batch_key(args[1])
local intake = redis.call('HGET', key, 'intake')
if not intake then return missing(id) end
if intake ~= args[2] then
  redis.call('HSET', key, 'intake', args[2])
  changed(id, true)
end
return { 'noted' }
