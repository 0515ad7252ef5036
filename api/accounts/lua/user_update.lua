-- user_update(id, guard, expected, name, value, ...) -> 1 | 0
--
-- Sets fields of a user; an empty value removes the field. Returns 0 when there is no such user, or
-- the field `guard` (if not empty) does not hold what is expected and neither what is to be set.

local key = user_key(args[1])
if redis.call('EXISTS', key) == 0 then return 0 end
if args[2] ~= '' then
  local held = redis.call('HGET', key, args[2]) or ''
  local wanted
  for place = 4, #args, 2 do
    if args[place] == args[2] then wanted = args[place + 1] end
  end
  if held ~= args[3] and held ~= wanted then return 0 end
end
for place = 4, #args, 2 do
  if args[place + 1] == '' then
    redis.call('HDEL', key, args[place])
  else
    redis.call('HSET', key, args[place], args[place + 1])
  end
end
redis.call('HSET', key, 'updated_ms', whole(now))
return 1
