-- tell(hook, owner, type, subject) -> delivery id
--
-- A delivery outside the course of things: a test.

local id = args[1] .. ':' .. args[4] .. ':' .. now
redis.call('HSET', delivery_key(id), 'hook', args[1], 'owner', args[2],
  'url', redis.call('HGET', hook_key(args[1]), 'url'), 'type', args[3], 'subject', args[4],
  'state', 'pending', 'attempt', 0, 'event_ms', now, 'due_ms', now)
redis.call('ZADD', DUE, now, id)
redis.call('ZADD', PREFIX .. 'log:' .. args[2], now, id)
return id
