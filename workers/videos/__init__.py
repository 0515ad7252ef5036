"""Jobs that judge a video, and their answers."""
