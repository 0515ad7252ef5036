"""From the bytes of photos to their answers: decoding, the pipeline, comparisons, sequences."""
