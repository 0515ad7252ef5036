-- tend(limit) -> { id, owner, options, pending, chunks, item_ms, ... }
--
-- Looks after batches that have not ended, those first that have waited longest for it: gives back
-- items of chunks that have ended without them, closes what was left open, ends what is done.
-- Answers those that could do with a chunk.

local answer = {}
for _, id in ipairs(redis.call('ZRANGE', BATCHES, 0, args[1] - 1)) do
  local batch = redis.call('HMGET', batch_key(id), 'state', 'added_ms', 'cancel')
  if not batch[1] or is_final(batch[1]) then
    redis.call('ZREM', BATCHES, id)
  else
    redis.call('ZADD', BATCHES, now, id)
    for _, chunk in ipairs(redis.call('SMEMBERS', batch_key(id, ':chunks'))) do
      local state = redis.call('HGET', job_key(chunk), 'state')
      if state ~= 'queued' and state ~= 'running' then
        release(id, chunk)
      elseif batch[3] then
        end_chunk(id, chunk)
      end
    end
    if batch[1] == 'open' and tonumber(batch[2]) <= now - OPEN_MS then close(id) end
    end_if_done(id)
    for _, value in ipairs(hunger(id) or {}) do table.insert(answer, value) end
  end
end
return answer
