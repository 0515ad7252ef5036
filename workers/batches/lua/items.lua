-- items(id, after, limit, letters)
--   -> { 'found', is_more, number, letter, record, end or "", tries, ... } | missing | expired
--
-- Items after a number whose letter is one of these, lowest numbers first. Changes nothing.

local id, after, limit = args[1], tonumber(args[2]), tonumber(args[3])
if redis.call('EXISTS', batch_key(id)) == 0 then return missing(id) end
local text, wanted = redis.call('GET', batch_key(id, ':states')) or '', '[' .. args[4] .. ']'
local numbers, place = {}, after
while #numbers <= limit do
  place = string.find(text, wanted, place + 1)
  if not place then break end
  table.insert(numbers, place)
end
local is_more = #numbers > limit and 1 or 0
if is_more == 1 then table.remove(numbers) end
local answer = { 'found', is_more }
for _, number in ipairs(numbers) do
  table.insert(answer, number)
  table.insert(answer, string.sub(text, number, number))
  table.insert(answer, redis.call('HGET', batch_key(id, ':items'), number))
  table.insert(answer, redis.call('HGET', batch_key(id, ':ends'), number) or '')
  table.insert(answer, redis.call('HGET', batch_key(id, ':tries'), number) or '0')
end
return answer
