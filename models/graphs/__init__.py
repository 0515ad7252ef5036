"""Rewriting ONNX graphs and proving that they still compute the same: bytes in, bytes out."""
