-- withdraw(now, id, incarnation) -> 1, or 0 when it is not there or a newer incarnation's.
-- Keys: see shared/fleet.lua.

local known = string.match(redis.call('HGET', ORDER, ARGV[2]) or '', '(%d+) ')
if not known or tonumber(known) > tonumber(ARGV[3]) then return 0 end
forget(ARGV[2])
return 1
