"""Requests to addresses that strangers name: fetched and called, never into our own network."""
