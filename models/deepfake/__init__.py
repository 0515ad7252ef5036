"""Authentic or manipulated: images and videos."""
