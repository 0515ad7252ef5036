-- uses: book models sweep
-- done(book; clock_ms, incarnation, id, answer) -> 'ok' | 'unknown_device'
--
-- A command was carried out, or could not be; told again, it changes nothing.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  id of the command
-- ARGV[4]  answer

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local waiting = redis.call('HGET', KEYS[4], ARGV[3])
if waiting then
  local wish = cjson.decode(waiting)
  redis.call('HDEL', KEYS[4], ARGV[3])
  note(book, 'done', wish.action, nil, { command = ARGV[3], answer = ARGV[4] }, wish.model)
end
return save(book, 'ok')
