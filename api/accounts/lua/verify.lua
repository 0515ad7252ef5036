-- verify(hash, new_id) -> { created | verified, user id } | { void }
--
-- Uses the token of that hash up: makes the user of a registration, under new_id, or notes that a
-- user's address is verified.

local hash, new_id = args[1], args[2]
local user = redis.call('GET', once_key('verify', hash))
if user then
  void_once(user, 'verify')
  redis.call('DEL', once_key('verify', hash))
  if redis.call('EXISTS', user_key(user)) == 0 then return { 'void' } end
  redis.call('HSET', user_key(user), 'email_verified', 1, 'updated_ms', whole(now))
  return { 'verified', user }
end

local key = registration_key(hash)
-- The answer of a call that is repeated because its answer was lost.
if redis.call('HGET', key, 'became') == new_id then return { 'created', new_id } end
local email_hash = redis.call('HGET', key, 'email_hash')
if not email_hash then return { 'void' } end
local outcome = add_user(new_id, email_hash, redis.call('HGETALL', key))
redis.call('DEL', key)
if outcome == 'taken' then return { 'void' } end
redis.call('HSET', user_key(new_id), 'email_verified', 1)
redis.call('HSET', key, 'became', new_id)
redis.call('PEXPIRE', key, 60000)
return { 'created', new_id }
