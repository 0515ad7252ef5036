-- password_reset(hash, user, password) -> { changed | void, session id, ... }
--
-- Uses the token of that hash up: sets the password of its user, ends all sessions and forgets
-- failed logins. A user whose mail was read has an e-mail address that is verified.

local hash, id, password = args[1], args[2], args[3]
local key = user_key(id)
local is_repeated = redis.call('HGET', key, 'reset_by') == hash
  and redis.call('HGET', key, 'password') == password
if not is_repeated then
  if redis.call('GET', once_key('reset', hash)) ~= id then return { 'void' } end
  void_once(id, 'reset')
  redis.call('HSET', key, 'password', password, 'password_ms', whole(now), 'reset_by', hash,
    'email_verified', 1, 'updated_ms', whole(now))
end
redis.call('DEL', attempts_key('account:' .. redis.call('HGET', key, 'email_hash')))
local answer = { 'changed' }
for _, session in ipairs(end_sessions(id)) do table.insert(answer, session) end
return answer
