-- note_people(id, person, is_new, ...) -> { noted | closed } | missing | expired
--
-- Notes persons before they are made: 1, or 0 of one that was there already. A person who is noted
-- stays as noted, so a request that is sent again takes nobody for old whom it was about to make.

local id = args[1]
local state = redis.call('HGET', batch_key(id), 'state')
if not state then return missing(id) end
if state ~= 'open' then return { 'closed' } end
for place = 2, #args, 2 do
  redis.call('HSETNX', batch_key(id, ':people'), args[place], args[place + 1])
end
return { 'noted' }
