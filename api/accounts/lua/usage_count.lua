-- usage_count(user, day, endpoint, key, failed, kept_seconds, key_used_ms) -> 1
--
-- Counts a call of a user on a day. key and key_used_ms may be ''. With key_used_ms the key's last
-- use is noted, unless the key is gone.

local counts = PREFIX .. 'usage:' .. args[1] .. ':' .. args[2]
redis.call('HINCRBY', counts, 'total', 1)
if args[5] == '1' then redis.call('HINCRBY', counts, 'failed', 1) end
redis.call('HINCRBY', counts, 'endpoint ' .. args[3], 1)
if args[4] ~= '' then redis.call('HINCRBY', counts, 'key ' .. args[4], 1) end
redis.call('EXPIRE', counts, args[6])
if args[7] ~= '' and redis.call('EXISTS', key_key(args[4])) == 1 then
  redis.call('HSET', key_key(args[4]), 'last_used_ms', args[7])
end
return 1
