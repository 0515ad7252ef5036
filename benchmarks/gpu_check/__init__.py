"""Checks of the whole GPU path on a real card, or on a simulated one."""
