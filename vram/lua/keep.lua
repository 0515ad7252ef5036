-- uses: book models sweep
-- keep(book; clock_ms, '', model, on) -> 'ok' | 'unknown_device'
--
-- Makes a model's entries, present and future, no victims; or takes that back.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  model
-- ARGV[4]  '1': keep, '0': no longer

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
local name, on = ARGV[3], ARGV[4] == '1'
local record = model_of(book, name)
if record.keep ~= on then
  record.keep = on
  keep_record(book, name)
end
for _, entry in ipairs(book.entries) do
  if entry.model == name and entry.keep ~= on then
    entry.keep = on
    touch(book, entry)
    note(book, 'keep', on and 'keep_on' or 'keep_off', entry)
  end
end
return save(book, 'ok')
