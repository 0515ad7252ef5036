"""Which builds of ONNX Runtime are installed: exactly one may be."""

from collections.abc import Collection
from functools import cache
from importlib import metadata

from models.errors import ProviderUnavailable
from models.machine import RUNTIMES


def check_installed() -> None:
    """Refuse this installation if it has two runtimes.

    Raises:
        ProviderUnavailable: see `check_one_runtime`.
    """
    check_one_runtime(_installed())


def check_one_runtime(installed: Collection[str]) -> None:
    """Refuse two installed runtimes: which files of which one are there is chance.

    Raises:
        ProviderUnavailable: more than one is installed; the message says how to mend it.
    """
    if len(installed) > 1:
        names = " and ".join(sorted(installed))
        raise ProviderUnavailable(
            f"{names} are both installed and overwrite each other's files. Uninstall both, then"
            " install facesocial[cpu] or facesocial[gpu]."
        )


@cache
def _installed() -> frozenset[str]:
    found = set()
    for name in RUNTIMES:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
    return frozenset(found)
