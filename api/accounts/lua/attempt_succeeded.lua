-- attempt_succeeded(account, account_free, address, address_free, forget) -> 1
--
-- Counts an attempt as none. forget: 1 forgets the account's earlier failures too. Those of the
-- address stay: its owner could otherwise guess others' passwords between logins to an own account.

local function take_back(key, free)
  if redis.call('EXISTS', key) == 0 then return end
  local failures = redis.call('HINCRBY', key, 'failures', -1)
  if failures <= 0 then
    redis.call('DEL', key)
  elseif failures < tonumber(free) then
    -- The wait was this attempt's.
    redis.call('HDEL', key, 'until_ms')
  end
end

if args[5] == '1' then
  redis.call('DEL', attempts_key(args[1]))
else
  take_back(attempts_key(args[1]), args[2])
end
take_back(attempts_key(args[3]), args[4])
return 1
