"""The weight store: files by hash, from many sources, with the graphs made of them."""
