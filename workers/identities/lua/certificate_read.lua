-- certificate_read(id) -> flat certificate hash, empty when there is none

return certificate(args[1])
