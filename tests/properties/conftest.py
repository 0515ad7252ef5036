"""How long the properties are searched: briefly with every change, for hours at night.

`pytest tests/properties --hypothesis-profile=nightly` is the long search.
"""

from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

settings.register_profile(
    "nightly",
    max_examples=5_000,
    stateful_step_count=60,
    deadline=None,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
