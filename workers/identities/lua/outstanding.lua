-- outstanding() -> { keys, photos, certificates }
--
-- How much deletions have left to do. A collection all of whose keys go counts as one key.

local keys = redis.call('SCARD', PREFIX .. 'doomed_collections')
for _, uid in ipairs(redis.call('SRANDMEMBER', PREFIX .. 'dooming', 1000)) do
  keys = keys + redis.call('ZCARD', key(uid, 'doomed'))
end
local photos = redis.call('ZCOUNT', PREFIX .. 'doomed_images', '-inf', whole(now))
return { keys, photos, redis.call('ZCARD', PREFIX .. 'uncleared') }
