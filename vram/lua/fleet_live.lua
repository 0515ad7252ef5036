-- live(now, id, ...) -> those of the ids that are not forgotten. Keys: see shared/fleet.lua.

local found = {}
for i = 2, #ARGV do
  local deadline = redis.call('ZSCORE', SEEN, ARGV[i])
  if deadline and tonumber(deadline) >= now then found[#found + 1] = ARGV[i] end
end
return found
