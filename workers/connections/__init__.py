"""How this project connects to Redis or Valkey, and sends scripts there."""
