-- due(due; job_prefix, limit, resend_ms, resend_cap_ms) -> { id, options, queue, reason, device, ... }
--
-- KEYS[1] due  zset  queued job ids by the time (ms) their wake-up is due
-- Job hashes are job_prefix .. id, in the slot of this key.
-- Each returned job falls due again after resend_ms, doubled for every wake-up sent before.

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local answer = {}
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  local key = ARGV[1] .. id
  local job = redis.call('HMGET', key, 'state', 'options', 'queue', 'reason', 'device')
  if job[1] == 'queued' then
    local sends = redis.call('HINCRBY', key, 'sends', 1)
    local wait = math.min(tonumber(ARGV[3]) * 2 ^ math.min(sends - 1, 20), tonumber(ARGV[4]))
    redis.call('ZADD', KEYS[1], now + wait, id)
    for field = 1, 5 do table.insert(answer, field == 1 and id or job[field]) end
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return answer
