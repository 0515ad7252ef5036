-- uses: book models sweep
-- command(book; clock_ms, '', id, action, model) -> 'ok' | 'unknown_device'
--
-- Leaves a wish for the device's worker, which hears of it at every beat until it says that it is done.
-- One that waits already is not left twice. Where nobody listens, the oldest ones are forgotten.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  id
-- ARGV[4]  action
-- ARGV[5]  model, '' for none

-- As many may wait.
local MOST = 100

local function forget_oldest(book)
  local oldest
  local flat = redis.call('HGETALL', KEYS[4])
  for i = 2, #flat, 2 do
    local wish = cjson.decode(flat[i])
    if not oldest or wish.number < oldest.number then oldest = wish end
  end
  redis.call('HDEL', KEYS[4], oldest.id)
  note(book, 'command', 'forgotten', nil, { command = oldest.id }, oldest.model)
end

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
if redis.call('HEXISTS', KEYS[4], ARGV[3]) == 0 then
  book.wishes = book.wishes + 1
  local wish = { id = ARGV[3], action = ARGV[4], model = ARGV[5], number = book.wishes }
  redis.call('HSET', KEYS[4], ARGV[3], cjson.encode(wish))
  if redis.call('HLEN', KEYS[4]) > MOST then forget_oldest(book) end
  note(book, 'command', ARGV[4], nil, { command = ARGV[3] }, ARGV[5])
end
return save(book, 'ok')
