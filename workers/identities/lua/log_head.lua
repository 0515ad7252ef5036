-- log_head(uid) -> { found, keys_version, version, mark, generation, contract or '', faces } | missing

local uid = args[1]
if is_missing(uid) then return { 'missing' } end
local found = redis.call('HMGET', key(uid), 'version', 'mark', 'generation', 'contract')
return told(uid, 'found', found[1], found[2], found[3], found[4] or '', redis.call('HLEN', faces_key(uid, found[3])))
