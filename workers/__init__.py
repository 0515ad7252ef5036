"""The fleet: jobs, queues, pipelines and the processes that run them."""
