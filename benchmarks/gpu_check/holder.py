"""`python -m benchmarks.gpu_check.holder DEVICE GRAPH`: holds a model on a device until killed."""

import sys
import time
from pathlib import Path

from models.session import open_session

if __name__ == "__main__":
    held = open_session(Path(sys.argv[2]), device=sys.argv[1])
    print("holds", flush=True)
    while True:
        time.sleep(60)
