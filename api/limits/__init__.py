"""How much one caller may ask for: by user, key, address and kind of work, weighed by cost."""
