-- person_list(uid, limit, after) -> { found, keys_version, next, person, record, ... } | missing
--
-- Persons by the numbers they were made as, from behind one on; next: where to go on, or ''.

local uid, limit = args[1], tonumber(args[2])
if is_missing(uid) then return { 'missing' } end
local answer = told(uid, 'found', '')
local rows = redis.call('ZRANGEBYSCORE', key(uid, 'order'), '(' .. args[3], '+inf', 'WITHSCORES', 'LIMIT', 0, limit + 1)
for place = 1, math.min(#rows, 2 * limit), 2 do
  table.insert(answer, rows[place])
  table.insert(answer, redis.call('HGET', key(uid, 'persons'), rows[place]))
end
if #rows > 2 * limit then answer[3] = rows[2 * limit] end
return answer
