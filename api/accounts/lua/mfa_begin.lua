-- mfa_begin(user, secret) -> 1 | 0
--
-- Keeps a secret that is not in force yet. 0: a second factor is in force.

local key = user_key(args[1])
if redis.call('EXISTS', key) == 0 or redis.call('HEXISTS', key, 'mfa_secret') == 1 then return 0 end
redis.call('HSET', key, 'mfa_pending', args[2])
return 1
