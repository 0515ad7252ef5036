-- images_deleted(image key, ...) -> how many were waited for

local count = 0
for _, image in ipairs(args) do count = count + redis.call('ZREM', PREFIX .. 'doomed_images', image) end
return count
