-- follow(uid, process, version, ttl_ms) -> { done, '0' }
--
-- Note how far a process's index has followed; version -1: it holds none. The collection may be gone.

local followers = key(args[1], 'followers')
if args[3] == '-1' then
  redis.call('HDEL', followers, args[2])
else
  redis.call('HSET', followers, args[2], args[3] .. ' ' .. whole(now + args[4]))
  if redis.call('PTTL', followers) < tonumber(args[4]) then redis.call('PEXPIRE', followers, args[4]) end
end
return { 'done', '0' }
