"""Measuring which variant of a model is fastest on this machine."""
