-- unreadable_read() -> flat hash: why -> how many
--
-- Persons of results who could not be read although nobody deleted them.

return redis.call('HGETALL', PREFIX .. 'unreadable')
