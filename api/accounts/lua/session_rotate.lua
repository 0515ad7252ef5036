-- session_rotate(id, token, new_token, grace_ms)
--   -> { rotated, user, ends_ms, flat user hash } | { reused, user } | { void }
--
-- Takes a refresh token for a new one. Tokens of a session have generations. One of the newest
-- begins the next: all before it are used. One of the generation before is taken for the grace time
-- after, by a client that asked twice at once or lost an answer: it gets another token of the newest
-- generation. Any other that was used before ends the session: somebody has a copy.

local MOST_OF_A_GENERATION, MOST_GENERATIONS = 100, 1000

local id, token, new_token = args[1], args[2], args[3]
local key, tokens = session_key(id), tokens_key(id)
local session = redis.call('HMGET', key, 'user', 'generation', 'rotated_ms', 'expires_ms',
  'lifetime_ms', 'longest_ms')
local user, generation, ends = session[1], tonumber(session[2]), tonumber(session[4])
if not user then return { 'void' } end
if ends <= now or redis.call('HGET', user_key(user), 'status') ~= 'active' then
  end_session(user, id)
  return { 'void' }
end
local given = tonumber(redis.call('ZSCORE', tokens, token) or '')
if not given then return { 'void' } end

-- Repeated because the answer was lost: it is done.
if not redis.call('ZSCORE', tokens, new_token) then
  local is_late = now - tonumber(session[3]) > tonumber(args[4])
  local is_crowded = redis.call('ZCOUNT', tokens, generation, generation) >= MOST_OF_A_GENERATION
  if given < generation - 1 or (given == generation - 1 and (is_late or is_crowded)) then
    end_session(user, id)
    return { 'reused', user }
  end
  if given == generation then
    generation = generation + 1
    redis.call('HSET', key, 'generation', generation, 'rotated_ms', whole(now))
  end
  ends = math.min(now + tonumber(session[5]), tonumber(session[6]))
  redis.call('ZADD', tokens, generation, new_token)
  redis.call('ZREMRANGEBYSCORE', tokens, '-inf', generation - MOST_GENERATIONS)
  redis.call('HSET', key, 'expires_ms', whole(ends), 'last_ms', whole(now))
  redis.call('PEXPIRE', key, whole(ends - now))
  redis.call('PEXPIRE', tokens, whole(ends - now))
  redis.call('ZADD', sessions_key(user), ends, id)
end
return { 'rotated', user, whole(ends), redis.call('HGETALL', user_key(user)) }
