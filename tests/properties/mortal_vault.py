"""A process that dies at every line of a destruction: `python -m tests.properties.mortal_vault`.

For each line that destroying a leaf executes there is a vault of its own, and a child that kills
itself, as by `kill -9`, right before that line. Prints how many lines there were.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from workers.identities.folder_vault import FolderVault
from workers.identities.keys import VaultSeals

UID = "col_" + "d" * 32
#: The leaf that is destroyed before, and the one at which the child dies.
BEFORE, DYING = 6, 7
#: A write is as many lines for a small file as for a large one.
WATCHED = ("folder_vault.py", "keys.py", "key_file.py")


class Killer:
    """Counts lines of the watched files and kills its process before one of them."""

    def __init__(self, line: int) -> None:
        self._left = line

    def __call__(self, frame: FrameType, event: str, argument: object) -> Any:  # noqa: ANN401 - a trace function
        del argument
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if event == "line":
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1
        return self


def opened(folder: Path, line: int) -> VaultSeals:
    """The seals on the vault of one line."""
    return VaultSeals(FolderVault(folder / str(line)))


def survives(folder: Path, line: int) -> bool:
    """Destroy a leaf in a child that dies before a line; whether it came to its end."""
    seals = opened(folder, line)
    seals.create(UID)
    (folder / f"{line}.root").write_bytes((folder / str(line) / f"{UID}.keys").read_bytes())
    seals.destroy_leaves(UID, [BEFORE])
    child = os.fork()
    if child == 0:
        sys.settrace(Killer(line))
        seals.destroy_leaves(UID, [DYING])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


def main() -> None:
    """Die at every line, in the folder that is named."""
    folder = Path(sys.argv[1])
    line = 0
    while not survives(folder, line):
        line += 1
    print(line)  # noqa: T201 - for the test that started this


if __name__ == "__main__":
    main()
