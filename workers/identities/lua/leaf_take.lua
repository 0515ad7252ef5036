-- leaf_take(uid, least, count, is_snapshot) -> { taken, keys_version, first } | { full, keys_version } | missing
--
-- Leaves nobody has had, in a row, from least on. Of a snapshot: they are one's from now on.

local uid, count = args[1], tonumber(args[3])
if is_missing(uid) then return { 'missing' } end
local first = math.max(tonumber(redis.call('HGET', key(uid), 'leaf')) + 1, tonumber(args[2]))
local last = first + count - 1
if last > MOST_LEAVES then return told(uid, 'full') end
redis.call('HSET', key(uid), 'leaf', whole(last))
if args[4] == '1' then
  for leaf = first, last do redis.call('SADD', key(uid, 'snapshots'), whole(leaf)) end
end
return told(uid, 'taken', whole(first))
