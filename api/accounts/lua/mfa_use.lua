-- mfa_use(user, step, backup hash) -> 1 | 0
--
-- Uses up the code of a time step, or, when step is empty, a backup code. 0: used before, or none.

if args[2] == '' then return redis.call('SREM', backup_key(args[1]), args[3]) end
local key = user_key(args[1])
local used = tonumber(redis.call('HGET', key, 'mfa_step') or '')
if not used or tonumber(args[2]) <= used then return 0 end
redis.call('HSET', key, 'mfa_step', args[2])
return 1
