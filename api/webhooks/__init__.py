"""Telling users' servers that their jobs and batches have ended: signed, repeated, logged."""
