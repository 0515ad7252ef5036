-- beat_cpu(now, process, live_ms) -> 1. Keys: see shared/fleet.lua.

redis.call('ZADD', CPU, whole(now + ARGV[3]), ARGV[2])
return 1
