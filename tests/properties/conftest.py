"""How long the properties are searched: briefly with every change, for hours at night.

`pytest tests/properties --hypothesis-profile=nightly` is the long search.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "nightly",
    max_examples=5_000,
    stateful_step_count=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
