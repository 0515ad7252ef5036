"""What is done to an image, one analysis a module: models in, answers out."""
