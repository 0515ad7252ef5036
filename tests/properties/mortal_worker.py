"""The worker's own code on a simulated device, killed in the middle of a call to its ledger.

`python -m tests.properties.mortal_worker --step loaded --when before ...`: has a real model loaded,
uses it, and lets it go when it has been idle. With `--step none` it lives to the end.
"""

import argparse
import os
import signal
import time
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from tests.properties.mortal import Mortal
from workers.connections.client import connect, open_fleet, open_ledger
from workers.devices.device import open_device
from workers.devices.setup import find_hardware
from workers.settings.process import Settings

MODEL: Final = "mobilefacenet_512"
#: Calls of the worker in its small life; "run" is between two of them.
WORKER_STEPS: Final = (
    "register",
    "observe",
    "reserve",
    "begin",
    "loaded",
    "run",
    "unpin",
    "drain",
    "unloading",
    "unloaded",
    "beat",
)
_SECONDS: Final = 60.0


def settings_for(port: int, device: str, weights: Path, data: Path) -> Settings:
    """A worker's settings with short times."""
    return Settings(
        redis_url=SecretStr(f"redis://127.0.0.1:{port}/2"),
        device=device,
        weights_dir=weights,
        data_dir=data,
        vram_lease_seconds=1.0,
        vram_unload_seconds=1.0,
        vram_observe_seconds=1.0,
        model_idle_seconds=1.0,
    )


def live(settings: Settings, *, step: str, when: Any) -> None:  # noqa: ANN401 - told on the command line
    """Have a model, use it, let it go."""
    found = find_hardware(settings)
    assert found is not None
    with connect(settings, role="test") as client:
        opened = open_device(
            settings,
            found,
            ledger=Mortal(open_ledger(client, settings), step=step, when=when),
            fleet=open_fleet(client, settings),
            store=WeightStore(settings.weights_path),
            catalogue=load_catalogue(),
        )
        with opened.residency.use([MODEL]) as models:
            assert models[0].device == settings.device
            if step == "run":
                os.kill(os.getpid(), signal.SIGKILL)
        deadline = time.monotonic() + _SECONDS
        while opened.residency.on_device:
            assert time.monotonic() < deadline, "it was never unloaded"
            time.sleep(0.05)
        opened.keeper.close()


def main() -> None:
    """Live until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--step", required=True)
    parser.add_argument("--when", default="before")
    parser.add_argument("--device", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    chosen = parser.parse_args()
    settings = settings_for(chosen.port, chosen.device, chosen.weights, chosen.data)
    live(settings, step=chosen.step, when=chosen.when)


if __name__ == "__main__":
    main()
