"""`python -m workers.healthcheck`: exit 0 while this container's worker loop turns, 1 otherwise."""

import sys
import time

from workers.heartbeat import STALE_AFTER_SECONDS, heartbeat_path
from workers.settings.process import load_settings


def main() -> int:
    """Look at the heartbeat file's age; say on standard error what is wrong."""
    settings = load_settings()
    path = heartbeat_path(settings.data_dir, settings.device)
    try:
        age_seconds = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        sys.stderr.write(f"no worker has started here: {path} is missing\n")
        return 1
    if age_seconds > STALE_AFTER_SECONDS:
        sys.stderr.write(f"the worker's loop has not turned for {age_seconds:.0f} s\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
