"""The ledger of device memory: which device holds what, and where a job may run."""
