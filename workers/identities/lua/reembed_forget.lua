-- reembed_forget(uid, job, limit, audit) -> { done, keys_version, left } | { other, keys_version } | missing
--
-- Forget some of the faces that were given up; how many are left.

local uid, skipped = args[1], key(args[1], 'skipped')
if is_missing(uid) then return { 'missing' } end
if redis.call('HGET', key(uid), 'next_job') ~= args[2] then return told(uid, 'other') end
for _, face in ipairs(redis.call('HRANDFIELD', skipped, args[3]) or {}) do forget_face(uid, face, args[4]) end
return told(uid, 'done', redis.call('HLEN', skipped))
