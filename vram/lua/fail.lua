-- uses: book models sweep
-- fail(book; clock_ms, incarnation, gen, why) -> 'ok' | 'stale' | 'unknown_device'
--
-- A load has failed, and the model is left alone for a while. A reservation is dropped. What was begun
-- is unloading from now on: a half-built session is still memory.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gen
-- ARGV[4]  why

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local entry = entry_of(book, tonumber(ARGV[3]))
if not entry then return save(book, 'stale') end
-- Told again, or after its time was over: counted already.
if entry.state == 'unloading' and entry.failed then return save(book, 'ok') end
if entry.state ~= 'reserved' and entry.state ~= 'loading' then return save(book, 'stale') end

back_off(book, entry.model)
local detail = { failures = model_of(book, entry.model).failures, state = entry.state }
if entry.state == 'reserved' then
  drop(book, entry, 'fail', ARGV[4], detail)
else
  entry.failed = true
  move(book, entry, 'unloading', book.limits.unload_seconds)
  note(book, 'fail', ARGV[4], entry, detail)
end
return save(book, 'ok')
