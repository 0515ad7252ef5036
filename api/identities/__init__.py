"""Known people over HTTP: collections, persons, faces, and what is asked of them."""
