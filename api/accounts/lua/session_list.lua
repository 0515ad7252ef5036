-- session_list(user) -> { session id, flat session hash, ... }

local answer = {}
redis.call('ZREMRANGEBYSCORE', sessions_key(args[1]), '-inf', whole(now))
for _, id in ipairs(redis.call('ZREVRANGE', sessions_key(args[1]), 0, -1)) do
  local fields = redis.call('HGETALL', session_key(id))
  if #fields > 0 then
    table.insert(answer, id)
    table.insert(answer, fields)
  end
end
return answer
