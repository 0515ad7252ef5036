-- ring_retire() -> how many keys there are
--
-- Ends the signing of every present key; they go on verifying. A key that is retired stays so since
-- the first time.

local ids = redis.call('HKEYS', PREFIX .. 'signing_keys')
for _, id in ipairs(ids) do redis.call('HSETNX', PREFIX .. 'retired_keys', id, whole(now)) end
return #ids
