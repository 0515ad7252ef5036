-- recall(id, fingerprint, cache) -> { outcome, id, flat job hash }
--
-- What a submission would meet. outcome: known (the id's job) | cached (an earlier job with the
-- same answer; remembered for the id, if it has a fingerprint) | conflict | expired | new (nothing).

local id, fingerprint, cache = args[1], args[2], args[3]
local before = known(id, fingerprint)
if before then return before end
local hit = cache ~= '' and redis.call('GET', cached_key(cache))
if not hit or redis.call('HGET', job_key(hit), 'state') ~= 'succeeded' then return { 'new' } end
if fingerprint ~= '' then
  local left = math.max(0, redis.call('TTL', job_key(hit)))
  redis.call('SET', PREFIX .. 'same:' .. id, fingerprint .. ' ' .. hit, 'EX',
    left + tonumber(ARGV[8]))
end
return { 'cached', hit, redis.call('HGETALL', job_key(hit)) }
