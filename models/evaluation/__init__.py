"""Measuring models on labelled data, by the standard protocols."""
