"""Connections that stay open: frames in and results out, notifications, the system's state."""
