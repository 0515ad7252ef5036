-- breakers(now, limit, open_ms, id, ...) -> {'closed' | 'open' | 'half_open', ...}
-- Keys: see shared/fleet.lua.

local states = {}
for i = 4, #ARGV do
  local failures, opened = breaker_of(ARGV[i])
  states[#states + 1] = breaker_state(failures, opened, tonumber(ARGV[2]), tonumber(ARGV[3]))
end
return states
