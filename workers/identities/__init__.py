"""Known people: collections of persons and their faces, the index of them, and their forgetting."""
