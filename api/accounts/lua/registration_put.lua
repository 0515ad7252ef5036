-- registration_put(hash, ttl_ms, name, value, ...) -> 1

local key = registration_key(args[1])
local fields = {}
for place = 3, #args do fields[place - 2] = args[place] end
redis.call('HSET', key, unpack(fields))
redis.call('PEXPIRE', key, args[2])
return 1
