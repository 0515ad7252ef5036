-- settle(id, attempt, status, error, outcome, pause_ms) -> 1 | 0
--
-- Ends a try. outcome: delivered | failed | again; pause_ms counts for again only. 0: it is not the
-- latest try any more, and nothing is written. Status 410 ends the webhook too.

local id, outcome = args[1], args[5]
local delivery = redis.call('HMGET', delivery_key(id), 'attempt', 'state', 'hook')
if delivery[1] ~= args[2] or delivery[2] ~= 'pending' then return 0 end
redis.call('HSET', delivery_key(id), 'status', args[3], 'error', args[4])
if outcome == 'again' then
  local due = now + args[6]
  redis.call('HSET', delivery_key(id), 'due_ms', due, 'tried_ms', now)
  redis.call('ZADD', DUE, due, id)
else
  settle(id, outcome)
end
if args[3] == '410' and redis.call('EXISTS', hook_key(delivery[3])) == 1 then
  redis.call('HSET', hook_key(delivery[3]), 'disabled', 'gone')
end
return 1
