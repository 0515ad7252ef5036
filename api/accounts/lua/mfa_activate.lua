-- mfa_activate(user, secret, step, backup hash, ...) -> 1 | 0
--
-- Puts the pending secret in force, with its backup codes; the time step of the code that proved it
-- is used. 0: that secret is not pending.

local key = user_key(args[1])
if redis.call('HGET', key, 'mfa_pending') ~= args[2] then return 0 end
redis.call('HSET', key, 'mfa_secret', args[2], 'mfa_step', args[3], 'updated_ms', whole(now))
redis.call('HDEL', key, 'mfa_pending')
redis.call('DEL', backup_key(args[1]))
for place = 4, #args do redis.call('SADD', backup_key(args[1]), args[place]) end
return 1
