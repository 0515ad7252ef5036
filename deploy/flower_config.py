"""Flower's configuration, read with `--conf`: look, don't touch, and only with the password.

Where it listens comes from the variables FLOWER_ADDRESS and FLOWER_PORT. `/metrics` and
`/healthcheck` stay open to whoever reaches the port: Flower does not guard them.
"""
# ruff: noqa: INP001 - Flower runs this file; nothing imports it.

from workers.errors import SettingsError
from workers.settings.process import load_settings

_settings = load_settings()
if _settings.flower_password is None:
    raise SettingsError("Flower needs a password: set FACESOCIAL_FLOWER_PASSWORD.")

basic_auth = [f"{_settings.flower_user}:{_settings.flower_password.get_secret_value()}"]
#: No operation: with them, whoever has the password could send any task or stop the fleet.
read_only = True
#: Flower's default of 100,000 grows without a visible end.
max_tasks = 5000
persistent = False
