"""Video: decoding within limits, sampling, and following faces from frame to frame."""
