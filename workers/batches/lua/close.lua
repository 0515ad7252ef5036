-- close(id) -> { 'found', now, flat batch hash } | missing | expired
--
-- The batch takes no more items, and ends when all of them have.

local id = args[1]
if redis.call('EXISTS', batch_key(id)) == 0 then return missing(id) end
close(id)
end_if_done(id)
return { 'found', unpack(view(id)) }
