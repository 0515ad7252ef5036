"""Who may call the gateway: keys, tokens, people, and what is written down of them."""
