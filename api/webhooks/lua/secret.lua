-- secret(owner, sealed) -> sealed
--
-- The secret of an owner's requests; the given one from now on if there was none.

local key = PREFIX .. 'secret:' .. args[1]
redis.call('SET', key, args[2], 'NX')
return redis.call('GET', key)
