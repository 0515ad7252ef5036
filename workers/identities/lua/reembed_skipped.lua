-- reembed_skipped(uid, job, limit) -> { found, keys_version, count, face, person, reason, ... } | { other, keys_version } | missing
--
-- Some of the faces that were given up, and how many they are.

local uid, skipped = args[1], key(args[1], 'skipped')
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'next_job', 'generation')
if found[1] ~= args[2] then return told(uid, 'other') end
local answer = told(uid, 'found', redis.call('HLEN', skipped))
local rows = redis.call('HRANDFIELD', skipped, args[3], 'WITHVALUES') or {}
for place = 1, #rows, 2 do
  local _, _, person = string.match(redis.call('HGET', faces_key(uid, found[2]), rows[place]), FACE)
  table.insert(answer, rows[place])
  table.insert(answer, person)
  table.insert(answer, rows[place + 1])
end
return answer
