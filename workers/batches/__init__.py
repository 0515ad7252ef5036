"""The batch store: what is asked of many photos at once, and each item's end."""
