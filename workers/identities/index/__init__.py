"""The index of a worker process: collections' embeddings in memory, as the log tells them."""
