-- release(chunk, fence) -> { 'held', items } | { 'lost' }
--
-- Gives back what is left of a chunk before its job ends.

local id = batch_of(args[1], args[2])
if not id then return { 'lost' } end
return { 'held', release(id, args[1]) }
