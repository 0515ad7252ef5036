"""Keys are destroyed by processes that are killed, and by several at once."""

import dataclasses
import multiprocessing
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.properties.mortal_vault import BEFORE, DYING, UID, opened
from workers.identities.errors import KeyDestroyed
from workers.identities.folder_vault import FolderVault
from workers.identities.key_file import read_key_file
from workers.identities.key_tree import LEVELS, KeyTree
from workers.identities.keys import VaultSeals


@dataclasses.dataclass(frozen=True, kw_only=True)
class Graves:
    """Vaults in which a process died, one for each line."""

    folder: Path
    lines: int


@pytest.fixture(scope="module")
def graves(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Graves:
    folder = tmp_path_factory.mktemp("vaults")
    done = subprocess.run(
        [sys.executable, "-m", "tests.properties.mortal_vault", str(folder)],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return Graves(folder=folder, lines=int(done.stdout))


def test_whichever_line_a_process_dies_at_nothing_else_is_lost(graves: Graves) -> None:
    assert graves.lines > 60
    ends = []
    for line in range(graves.lines):
        tree = tree_of(graves.folder / str(line))
        whole = tree_at_first(graves, line)
        assert tree.leaf_key(BEFORE) is None
        for leaf in (0, 5, 8, 2**31):
            assert tree.leaf_key(leaf) == whole.leaf_key(leaf)
        ends.append(tree.leaf_key(DYING) is None)
    # Before one line it is there, from then on it is not.
    assert ends == sorted(ends)
    assert (ends[0], ends[-1]) == (False, True)


def test_whoever_repeats_it_leaves_no_key_above_the_leaf_in_any_file(graves: Graves) -> None:
    for line in range(graves.lines):
        root = tree_at_first(graves, line).node(0)
        above = [root]
        for level in range(LEVELS):
            above.append(above[-1].child(DYING >> (LEVELS - 1 - level) & 1))

        opened(graves.folder, line).destroy_leaves(UID, [DYING])

        for path in (graves.folder / str(line)).iterdir():
            content = path.read_bytes()
            assert not [node.level for node in above if node.key in content]


def test_processes_that_destroy_at_once_lose_no_leaf(tmp_path: Path) -> None:
    seals = VaultSeals(FolderVault(tmp_path))
    seals.create(UID)
    spawning = multiprocessing.get_context("spawn")
    processes = [
        spawning.Process(target=destroy_each, args=(tmp_path, range(first, 200, 4)))
        for first in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)

    assert [process.exitcode for process in processes] == [0] * 4
    tree = tree_of(tmp_path)
    assert [leaf for leaf in range(202) if tree.leaf_key(leaf)] == [200, 201]


def test_a_process_killed_amid_many_has_destroyed_all_it_was_told_of(tmp_path: Path) -> None:
    VaultSeals(FolderVault(tmp_path)).create(UID)
    spawning = multiprocessing.get_context("spawn")
    process = spawning.Process(target=destroy_each, args=(tmp_path, range(10_000)))
    process.start()
    told = tmp_path.parent / f"{tmp_path.name}.told"
    deadline = time.monotonic() + 30
    while not (told.exists() and told.stat().st_size > 100) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.join(timeout=60)

    assert process.exitcode == -signal.SIGKILL
    # The last line may be half of one.
    leaves = [int(line) for line in told.read_text().splitlines(keepends=True) if "\n" in line]
    seals = VaultSeals(FolderVault(tmp_path))
    assert len(leaves) > 20
    for leaf in leaves:
        with pytest.raises(KeyDestroyed):
            seals.seal(UID, leaf, b"x", purpose="p")
    assert seals.next_leaf(UID, 0) in {len(leaves), len(leaves) + 1}


def destroy_each(folder: Path, leaves: range) -> None:
    """Destroy leaves one by one, and note each when it is done; in a process of its own."""
    seals = VaultSeals(FolderVault(folder))
    with (folder.parent / f"{folder.name}.told").open("a", buffering=1) as told:
        for leaf in leaves:
            seals.destroy_leaves(UID, [leaf])
            told.write(f"{leaf}\n")


def tree_of(folder: Path) -> KeyTree:
    tree = read_key_file(UID, (folder / f"{UID}.keys").read_bytes()).tree
    assert tree is not None
    return tree


def tree_at_first(graves: Graves, line: int) -> KeyTree:
    tree = read_key_file(UID, (graves.folder / f"{line}.root").read_bytes()).tree
    assert tree is not None
    return tree
