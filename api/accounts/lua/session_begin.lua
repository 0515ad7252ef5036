-- session_begin(id, user, token, lifetime_ms, longest_ms, most, device, address, password)
--   -> { begun, ends_ms, session id, ... } | { refused }
--
-- Begins a session of an active user with the hash of its first refresh token, if the hash of the
-- user's password still is the one the caller saw: a change of it has ended all sessions. Beyond `most`
-- sessions those that would end first are ended; their ids are answered.

local id, user, most = args[1], args[2], tonumber(args[6])
local seen = redis.call('HMGET', user_key(user), 'status', 'password')
if seen[1] ~= 'active' or (seen[2] or '') ~= args[9] then return { 'refused' } end
local ends = now + math.min(tonumber(args[4]), tonumber(args[5]))
redis.call('HSET', session_key(id), 'user', user, 'generation', 1, 'rotated_ms', whole(now),
  'created_ms', whole(now), 'last_ms', whole(now), 'expires_ms', whole(ends),
  'lifetime_ms', args[4], 'longest_ms', whole(now + tonumber(args[5])), 'device', args[7],
  'address', args[8])
redis.call('ZADD', tokens_key(id), 1, args[3])
redis.call('PEXPIRE', session_key(id), whole(ends - now))
redis.call('PEXPIRE', tokens_key(id), whole(ends - now))
redis.call('ZREMRANGEBYSCORE', sessions_key(user), '-inf', whole(now))
redis.call('ZADD', sessions_key(user), ends, id)
redis.call('HSET', user_key(user), 'last_login_ms', whole(now))

local answer = { 'begun', whole(ends) }
local surplus = redis.call('ZCARD', sessions_key(user)) - most
if surplus > 0 then
  for _, other in ipairs(redis.call('ZRANGE', sessions_key(user), 0, surplus)) do
    if other ~= id and surplus > 0 then
      end_session(user, other)
      table.insert(answer, other)
      surplus = surplus - 1
    end
  end
end
return answer
