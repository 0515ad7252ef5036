"""Which cards get a worker, and why one that is there gets none."""

from collections.abc import Callable, Mapping
from importlib import metadata

from cli.launcher.fleet import visible_gpus
from vram.errors import ProbeFailed

#: The distribution with the CUDA provider; its CPU sibling ships the same module without.
CUDA_RUNTIME = "onnxruntime-gpu"


def usable_gpus(
    environment: Mapping[str, str],
    *,
    list_gpus: Callable[[], tuple[str, ...]],
    has_cuda_runtime: Callable[[], bool],
    warn: Callable[[str], None],
) -> tuple[str, ...]:
    """Ids of the cards to start workers on; each reason against one that is there is told.

    Args:
        environment: With CUDA_VISIBLE_DEVICES, if set.
        list_gpus: Asks the driver; raises ProbeFailed when it refuses to say.
        has_cuda_runtime: Whether the installed ONNX Runtime can use a card.
        warn: Tells the user.

    Raises:
        LauncherError: CUDA_VISIBLE_DEVICES can't be followed.
    """
    if environment.get("CUDA_VISIBLE_DEVICES", "0").strip() in {"", "-1"}:
        return ()
    try:
        found = visible_gpus(list_gpus(), environment)
    except ProbeFailed as error:
        warn(f"No GPU is used; all work is the CPU's. {error}")
        return ()
    if found and not has_cuda_runtime():
        warn(
            "A GPU is here but is not used: the CPU build of ONNX Runtime is installed. "
            "`make setup RUNTIME=gpu` installs the other."
        )
        return ()
    return found


def cuda_runtime_installed() -> bool:
    """Whether the ONNX Runtime of this environment is the one for CUDA."""
    try:
        metadata.distribution(CUDA_RUNTIME)
    except metadata.PackageNotFoundError:
        return False
    return True
