-- get(id) -> { 'found', now, flat batch hash } | missing | expired
--
-- Changes nothing.

if redis.call('EXISTS', batch_key(args[1])) == 0 then return missing(args[1]) end
return { 'found', unpack(view(args[1])) }
