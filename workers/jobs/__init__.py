"""The job store: what is queued, running and done; who works on what, and what changes."""
