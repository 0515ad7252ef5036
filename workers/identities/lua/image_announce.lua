-- image_announce(image key, ttl_ms) -> whether it is new
--
-- Say that a photo will be kept: it is doomed by then unless a face is added with it.

return redis.call('ZADD', PREFIX .. 'doomed_images', 'NX', whole(now + args[2]), args[1])
