-- hunger(id) -> { id, owner, options, pending, chunks, item_ms } | {}
--
-- The batch, if it could do with a chunk. Changes nothing.

return hunger(args[1]) or {}
