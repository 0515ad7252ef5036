-- mfa_off(user) -> 1

redis.call('HDEL', user_key(args[1]), 'mfa_secret', 'mfa_pending', 'mfa_step')
redis.call('DEL', backup_key(args[1]))
return 1
