"""The blob store: images and videos between the gateway and the workers."""
