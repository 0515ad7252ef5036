-- cancel(id) -> { cancelled | asked | finished } | missing | expired
--
-- Items that wait end here, and chunks that wait with theirs. A chunk that runs gets a flag its
-- worker looks at.

local id, key = args[1], batch_key(args[1])
local state = redis.call('HGET', key, 'state')
if not state then return missing(id) end
if state == 'cancelled' then return { 'cancelled' } end
if is_final(state) then return { 'finished' } end
if redis.call('HSETNX', key, 'cancel', 1) == 1 then
  redis.call('HSETNX', key, 'closed_ms', now)
  redis.call('HSET', key, 'state', 'running')
  move_all(id, 'p', 'c')
  changed(id, true)
end
for _, chunk in ipairs(redis.call('SMEMBERS', batch_key(id, ':chunks'))) do end_chunk(id, chunk) end
end_if_done(id)
return { redis.call('HGET', key, 'state') == 'cancelled' and 'cancelled' or 'asked' }
