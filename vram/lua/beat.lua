-- uses: book models sweep
-- beat(book; clock_ms, incarnation, held, last_gen) -> JSON {unload, orphans, commands} | 'unknown_device'
--
-- Renews the leases of what the holder holds. What was lost and is held is draining from now on: others
-- may have counted on its leaving. Told to unload: what is draining and not pinned, and what the caller
-- holds although its load was given up or its unloading is under way.
--
-- KEYS     see shared/book.lua
-- ARGV[3]  gens the caller holds, JSON array
-- ARGV[4]  largest gen the caller has seen

local book, refusal = open_book()
if refusal then return refusal end
sweep(book)
book.seen_ms = book.now
book.gen = math.max(book.gen, tonumber(ARGV[4]))

local orphans, held = {}, {}
for _, gen in ipairs(cjson.decode(ARGV[3])) do
  local entry = entry_of(book, gen)
  held[gen] = true
  if not entry then
    table.insert(orphans, gen)
  elseif entry.state ~= 'unloading' then
    renew(book, entry)
    if entry.state == 'lost' then
      move(book, entry, 'draining')
      note(book, 'beat', 'held_again', entry)
    end
  end
end

local unload = {}
for _, entry in ipairs(book.entries) do
  local leaves = entry.state == 'draining' and not is_pinned(entry)
  if leaves or (entry.state == 'unloading' and held[entry.gen]) then
    table.insert(unload, entry.gen)
  end
end

local commands = {}
local flat = redis.call('HGETALL', KEYS[4])
for i = 2, #flat, 2 do table.insert(commands, cjson.decode(flat[i])) end
table.sort(commands, function(a, b) return a.number < b.number end)
return save(book, cjson.encode({ unload = unload, orphans = orphans, commands = commands }))
