"""From a face to a direction: embedders, ensembles, thresholds."""
