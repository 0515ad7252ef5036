"""The weights every worker needs, fetched before the first one starts."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.errors import LauncherError
from models.catalogue import Catalogue
from models.weights.store import State, WeightStore


def missing_weights(store: WeightStore, catalogue: Catalogue) -> list[str]:
    """Ids of the models of the lite profile that are not ready to run, by a quick look."""
    return [
        spec.id
        for spec in catalogue.models.values()
        if spec.profile == "lite" and store.model_state(spec) is not State.PREPARED
    ]


def pull_weights(environment: Mapping[str, str], cwd: Path) -> None:
    """Run `facesocial models pull lite`, its progress on our terminal.

    In a process of its own: preparing graphs loads the inference runtime, whose memory and
    threads this process shall not keep (children are forked from it).

    Raises:
        LauncherError: it failed; it has said why.
    """
    argv = (sys.executable, "-m", "cli.main", "models", "pull", "lite")
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        argv, env=dict(environment), cwd=cwd, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        raise LauncherError(
            "The model weights are not complete, for the reason above. Without a network, use "
            "`facesocial models import`."
        )
