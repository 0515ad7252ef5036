"""The key vault in a folder: what lies there, and who may read it."""

import fcntl
import os
from pathlib import Path

import pytest

from workers.identities.errors import VaultUnavailable
from workers.identities.folder_vault import FolderVault

UID = "col_" + "a" * 32


def test_the_folder_and_its_files_are_closed_to_others(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path / "keys")

    vault.swap(UID, old=None, new=b"first")
    vault.swap(UID, old=b"first", new=b"second")

    assert (tmp_path / "keys").stat().st_mode & 0o077 == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert modes == {"lock": 0o600, f"{UID}.keys": 0o600}


def test_what_was_replaced_is_overwritten_where_it_lay(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    vault.swap(UID, old=None, new=b"the old keys")
    # Another name of the same file, as a disk's blocks would show it.
    os.link(tmp_path / f"{UID}.keys", tmp_path / "the same blocks")

    vault.swap(UID, old=b"the old keys", new=b"new")

    assert (tmp_path / "the same blocks").read_bytes() == bytes(12)
    assert vault.read(UID) == b"new"


def test_what_a_killed_writer_left_is_never_read_and_does_not_stay(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path)
    vault.swap(UID, old=None, new=b"first")
    (tmp_path / f"{UID}.new").write_bytes(b"half of a file that was never finished")

    assert vault.read(UID) == b"first"
    assert vault.swap(UID, old=b"first", new=b"second")

    assert {path.name for path in tmp_path.iterdir()} == {"lock", f"{UID}.keys"}


def test_who_waits_too_long_for_others_is_told(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path, lock_seconds=0.02)
    vault.swap(UID, old=None, new=b"first")

    with (tmp_path / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert vault.read(UID) == b"first"
        with pytest.raises(VaultUnavailable, match="too long"):
            vault.swap(UID, old=b"first", new=b"second")

    assert vault.swap(UID, old=b"first", new=b"second")


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    vault = FolderVault(tmp_path / "keys")
    (tmp_path / "keys").rmdir()

    with pytest.raises(VaultUnavailable, match="No such file"):
        vault.read(UID)
    with pytest.raises(VaultUnavailable, match="No such file"):
        vault.swap(UID, old=None, new=b"x")


def test_a_copy_waits_for_who_replaces_and_has_every_file(tmp_path: Path) -> None:
    folder, copy = tmp_path / "keys", tmp_path / "copy"
    vault = FolderVault(folder, lock_seconds=0.1)
    other = "col_" + "b" * 32
    for uid, content in ((UID, b"first"), (other, b"other")):
        vault.swap(uid, old=None, new=content)
    copy.mkdir()

    with (folder / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(VaultUnavailable):
            vault.copy_to(copy)
    assert list(copy.iterdir()) == []

    assert vault.copy_to(copy) == 2
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
        f"{UID}.keys": b"first",
        f"{other}.keys": b"other",
    }
    assert {path.stat().st_mode & 0o077 for path in copy.iterdir()} == {0}
