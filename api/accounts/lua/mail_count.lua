-- mail_count(hash, window_ms) -> mails to that address in the window, this one included

local key = PREFIX .. 'mails:' .. args[1]
local sent = redis.call('INCR', key)
if sent == 1 then redis.call('PEXPIRE', key, args[2]) end
return sent
