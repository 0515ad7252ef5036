-- unreadable_note(why, count, ...) -> ok
--
-- Count persons of results who could not be read although nobody deleted them.

for place = 1, #args, 2 do redis.call('HINCRBY', PREFIX .. 'unreadable', args[place], args[place + 1]) end
return redis.status_reply('OK')
