-- images_postponed(delay_ms, image key, ...) -> nothing
--
-- Photos that can't be deleted now are tried again later, so that they hold up no others.

for index = 2, #args do
  redis.call('ZADD', PREFIX .. 'doomed_images', 'XX', whole(now + args[1]), args[index])
end
