"""Searching in PostgreSQL with pgvector instead of in the memory of workers."""
