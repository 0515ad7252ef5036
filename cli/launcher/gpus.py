"""Which cards get a worker, and why one that is there gets none."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata

from cli.errors import LauncherError
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
    required: bool = False,
) -> tuple[str, ...]:
    """Ids of the cards to start workers on; each reason against one that is there is told.

    Args:
        environment: With CUDA_VISIBLE_DEVICES, if set.
        list_gpus: Asks the driver; raises ProbeFailed when it refuses to say.
        has_cuda_runtime: Whether the installed ONNX Runtime can use a card.
        warn: Tells the user.
        required: Whether to refuse instead (FACESOCIAL_REQUIRE_GPU).

    Raises:
        LauncherError: CUDA_VISIBLE_DEVICES can't be followed, or a card is required and there is
            none that can be used; the message has the reason.
    """
    reasons: list[str] = []
    found = _found(
        environment,
        list_gpus=list_gpus,
        has_cuda_runtime=has_cuda_runtime,
        warn=reasons.append if required else warn,
    )
    if required and not found:
        hidden = environment.get("CUDA_VISIBLE_DEVICES")
        unknown = "No card was found: there is none, or no driver for it."
        if hidden is not None:
            unknown = f"CUDA_VISIBLE_DEVICES={hidden} hides all cards there are."
        reason = reasons[0] if reasons else unknown
        raise LauncherError(f"FACESOCIAL_REQUIRE_GPU is set, and no GPU can be used. {reason}")
    return found


def _found(
    environment: Mapping[str, str],
    *,
    list_gpus: Callable[[], tuple[str, ...]],
    has_cuda_runtime: Callable[[], bool],
    warn: Callable[[str], None],
) -> tuple[str, ...]:
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


def with_simulated(gpus: tuple[str, ...], sizes_mb: Sequence[int]) -> tuple[str, ...]:
    """The devices and simulated ones of these sizes; of several of one size, each has a number."""
    seen: Counter[int] = Counter()
    names = list(gpus)
    for size_mb in sizes_mb:
        names.append(f"sim:{size_mb}" + (f":{seen[size_mb]}" if seen[size_mb] else ""))
        seen[size_mb] += 1
    return tuple(names)


def cuda_runtime_installed() -> bool:
    """Whether the ONNX Runtime of this environment is the one for CUDA."""
    try:
        metadata.distribution(CUDA_RUNTIME)
    except metadata.PackageNotFoundError:
        return False
    return True
