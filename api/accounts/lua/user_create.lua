-- user_create(id, email_hash, name, value, ...) -> created | taken
--
-- created also when this very user was stored before.

local fields = {}
for place = 3, #args do fields[place - 2] = args[place] end
return add_user(args[1], args[2], fields)
