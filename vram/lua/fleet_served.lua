-- served(now, id, ok, limit, open_ms) -> 'closed' | 'open' | 'half_open'
-- Keys: see shared/fleet.lua; the rule is in vram/fleet.py.

local id, limit, open_ms = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
if ARGV[3] == '1' then
  redis.call('HDEL', BREAKER, id)
  return 'closed'
end
-- A device nobody knows leaves no trace.
if not redis.call('ZSCORE', SEEN, id) then return 'closed' end
local failures, opened, tried = breaker_of(id)
local before = breaker_state(failures, opened, limit, open_ms)
failures = failures + 1
-- Jobs that were under way when it opened don't keep it open for longer.
if failures >= limit and before ~= 'open' then opened = now end
redis.call('HSET', BREAKER, id, failures .. ' ' .. whole(opened) .. ' ' .. whole(tried))
return breaker_state(failures, opened, limit, open_ms)
