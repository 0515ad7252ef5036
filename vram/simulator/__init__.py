"""A card on paper: what a load would do to it under each policy, and how well it could be done."""
