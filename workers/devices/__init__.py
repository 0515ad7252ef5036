"""A worker's device: its account in the ledger, its models, and what happens when it is full."""
