"""Working on batches: a few items at a time, between the jobs of people who wait."""
