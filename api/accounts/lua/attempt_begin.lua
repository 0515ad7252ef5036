-- attempt_begin(account, account_free, address, address_free, base_ms, cap_ms, memory_ms)
--   -> { go, left } | { wait, ms }
--
-- Counts a login as failed before it is tried, so that many at once don't pass together. Beyond the
-- free ones each failure makes the next wait twice as long. One that has to wait is not counted.
-- Failures are forgotten one by one, as many as are free within memory_ms.
-- left: failures of the account before it has to wait.

local function waits(key)
  return math.max(0, tonumber(redis.call('HGET', key, 'until_ms') or '0') - now)
end

local function count(key, free)
  local held = redis.call('HMGET', key, 'failures', 'since_ms')
  local failures, since = tonumber(held[1] or '0'), tonumber(held[2] or whole(now))
  local step = tonumber(args[7]) / free
  local forgotten = math.floor((now - since) / step)
  failures = math.max(0, failures - forgotten)
  since = failures == 0 and now or since + forgotten * step
  failures = failures + 1
  redis.call('HSET', key, 'failures', failures, 'since_ms', whole(since))
  if failures >= free then
    -- The exponent is bounded: 2 ^ 40 ms is beyond any cap.
    local delay = tonumber(args[5]) * 2 ^ math.min(failures - free, 40)
    redis.call('HSET', key, 'until_ms', whole(now + math.min(delay, tonumber(args[6]))))
  end
  redis.call('PEXPIRE', key, args[7])
  return math.max(0, free - failures)
end

local account, address = attempts_key(args[1]), attempts_key(args[3])
local wait = math.max(waits(account), waits(address))
if wait > 0 then return { 'wait', whole(wait) } end
count(address, tonumber(args[4]))
return { 'go', whole(count(account, tonumber(args[2]))) }
