-- people(id) -> { 'found', person, is_new, ... } | missing | expired
--
-- Everybody who was noted, in no order. Changes nothing.

local id = args[1]
if redis.call('EXISTS', batch_key(id)) == 0 then return missing(id) end
local answer = { 'found' }
for _, value in ipairs(redis.call('HGETALL', batch_key(id, ':people'))) do
  table.insert(answer, value)
end
return answer
