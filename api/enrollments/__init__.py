"""Enrolling many people at once: whom each photo shows, and what came of them."""
