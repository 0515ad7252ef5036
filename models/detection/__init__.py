"""Finding faces: one module per network family, and the search that drives them."""
