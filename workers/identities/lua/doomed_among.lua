-- doomed_among(uid, leaf, ...) -> { found, keys_version, leaf, ... } | missing
--
-- Those of the leaves whose keys are to be destroyed.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local answer = told(uid, 'found')
for place = 2, #args do
  if redis.call('ZSCORE', key(uid, 'doomed'), args[place]) then table.insert(answer, args[place]) end
end
return answer
