"""Bulk work at the edge: what comes in as forms, archives and lists, what goes out as files."""
