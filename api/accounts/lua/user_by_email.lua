-- user_by_email(email_hash) -> { id, flat user hash } | { }

local id = redis.call('HGET', EMAILS, args[1])
-- As many calls for an address nobody has.
local fields = redis.call('HGETALL', user_key(id or ''))
if not id or #fields == 0 then return {} end
return { id, fields }
