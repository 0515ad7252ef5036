"""The HTTP gateway: checks requests, stores jobs, answers with their state. No inference."""
