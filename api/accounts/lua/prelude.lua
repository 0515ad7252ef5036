-- Put before every script of this folder. All of them are called with
--
-- KEYS[1]     prefix of all keys, with their hash tag: the keys below are in its slot
-- ARGV[1]     the caller's clock in ms, or '' for the server's
-- ARGV[2] on  the script's own arguments, as its first line names them
--
-- emails                hash    SHA-256 of a normalised e-mail address -> user id
-- users                 zset    every user id, all with score 0: ids sort by creation
-- admins                set     ids of the active administrators
-- user:<id>             hash    one user (docs/reference/redis-keys.md)
-- backup:<user>         set     SHA-256 of each backup code that was not used yet
-- sessions:<user>       zset    ids of a user's sessions by the time (ms) they end
-- session:<id>          hash    one session
-- tokens:<session>      zset    SHA-256 of each refresh token of a session by its generation
-- once:<kind>:<hash>    string  user id of a token that can be used once
-- registration:<hash>   hash    a registration that waits for its e-mail to be verified
-- attempts:<hash>       hash    failed logins of an account or an address
-- mails:<hash>          string  mails sent to an address lately
-- key:<id>              hash    one API key
-- keys:<user>           zset    ids of a user's API keys by the time (ms) they were made
-- signing_keys          hash    id -> one signing key, JSON
-- retired_keys          hash    id -> when a rotation by hand ended a key's signing, ms
-- usage:<user>:<day>    hash    how often a user called what on a day
-- audit                 stream  security-relevant acts

local PREFIX = KEYS[1]
local EMAILS, USERS, ADMINS = PREFIX .. 'emails', PREFIX .. 'users', PREFIX .. 'admins'
local args = {}
for place = 2, #ARGV do args[place - 1] = ARGV[place] end

local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Milliseconds are larger than what Lua writes without an exponent.
local function whole(number) return string.format('%.0f', number) end

local function user_key(id) return PREFIX .. 'user:' .. id end
local function backup_key(user) return PREFIX .. 'backup:' .. user end
local function sessions_key(user) return PREFIX .. 'sessions:' .. user end
local function session_key(id) return PREFIX .. 'session:' .. id end
local function tokens_key(session) return PREFIX .. 'tokens:' .. session end
local function once_key(kind, hash) return PREFIX .. 'once:' .. kind .. ':' .. hash end
local function registration_key(hash) return PREFIX .. 'registration:' .. hash end
local function attempts_key(hash) return PREFIX .. 'attempts:' .. hash end

local function is_alive(session)
  return tonumber(redis.call('HGET', session_key(session), 'expires_ms') or '0') > now
end

local function end_session(user, id)
  redis.call('DEL', session_key(id), tokens_key(id))
  return redis.call('ZREM', sessions_key(user), id)
end

-- Ends all sessions of a user but one; the ids of those that were alive.
local function end_sessions(user, spared)
  local ended = {}
  for _, id in ipairs(redis.call('ZRANGE', sessions_key(user), 0, -1)) do
    if id ~= spared then
      if is_alive(id) then table.insert(ended, id) end
      end_session(user, id)
    end
  end
  return ended
end

-- Voids what a user was sent to use once.
local function void_once(user, kind)
  local hash = redis.call('HGET', user_key(user), 'once_' .. kind)
  if hash then
    redis.call('DEL', once_key(kind, hash))
    redis.call('HDEL', user_key(user), 'once_' .. kind)
  end
end

-- Keeps the set of active administrators what the users' hashes say.
local function list_admin(user)
  local standing = redis.call('HMGET', user_key(user), 'role', 'status')
  local is_admin = standing[1] == 'admin' and standing[2] == 'active'
  redis.call(is_admin and 'SADD' or 'SREM', ADMINS, user)
end

local function is_last_admin(user)
  return redis.call('SISMEMBER', ADMINS, user) == 1 and redis.call('SCARD', ADMINS) == 1
end

-- Stores a user under an address nobody else has. fields: flat names and values.
local function add_user(id, email_hash, fields)
  local owner = redis.call('HGET', EMAILS, email_hash)
  if owner and owner ~= id then return 'taken' end
  redis.call('HSET', EMAILS, email_hash, id)
  redis.call('ZADD', USERS, 0, id)
  redis.call('HSET', user_key(id), 'email_hash', email_hash, 'created_ms', whole(now),
    'updated_ms', whole(now), unpack(fields))
  list_admin(id)
  return 'created'
end

local function key_key(id) return PREFIX .. 'key:' .. id end
local function keys_key(user) return PREFIX .. 'keys:' .. user end

-- A user's API keys, newest first; those that are gone are taken off the list.
local function live_keys(user)
  local found = {}
  for _, id in ipairs(redis.call('ZREVRANGE', keys_key(user), 0, -1)) do
    if redis.call('EXISTS', key_key(id)) == 1 then
      table.insert(found, id)
    else
      redis.call('ZREM', keys_key(user), id)
    end
  end
  return found
end

-- Appends to the audit log. args[first]: about how many entries it keeps; then names and values.
local function write_audit(first)
  redis.call('XADD', PREFIX .. 'audit', 'MAXLEN', '~', args[first], '*', unpack(args, first + 1))
end
