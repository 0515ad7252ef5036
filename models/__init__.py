"""The model catalogue, the weight store and the mathematics of inference."""
