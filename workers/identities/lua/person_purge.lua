-- person_purge(uid, person, leaf) -> { done, keys_version } | missing
--
-- Strike out a person whose key was destroyed, as an old copy of the store brings them back.

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local person = person_of(uid, args[2])
if person and person.leaf == args[3] then forget_person(uid, args[2], person) end
return told(uid, 'done')
