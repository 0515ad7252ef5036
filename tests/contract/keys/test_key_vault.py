"""Every key vault keeps the same promises: in memory, in a folder, in an object store."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from workers.identities.errors import VaultUnavailable
from workers.identities.folder_vault import FolderVault
from workers.identities.obstore_vault import ObstoreVault
from workers.identities.vault import KeyVault, MemoryVault
from workers.identities.vaults import open_vault

UID, OTHER = "col_" + "a" * 32, "col_" + "b" * 32


@pytest.fixture(params=["memory", "folder", "objects"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], KeyVault]:
    """Opens the same vault, as each process does."""
    if request.param == "folder":
        return lambda: FolderVault(tmp_path / "keys of mine")
    if request.param == "objects":
        store = MemoryStore()
        return lambda: ObstoreVault(store)
    vault = MemoryVault()
    return lambda: vault


def test_a_collection_that_was_never_written_has_no_file(opened: Callable[[], KeyVault]) -> None:
    assert opened().read(UID) is None


def test_what_one_process_writes_another_reads(opened: Callable[[], KeyVault]) -> None:
    writer, reader = opened(), opened()

    assert writer.swap(UID, old=None, new=b"first")
    assert writer.swap(UID, old=b"first", new=b"second")

    assert reader.read(UID) == b"second"
    assert reader.read(OTHER) is None


@pytest.mark.parametrize("old", [None, b"something else"])
def test_who_does_not_know_what_is_there_changes_nothing(
    opened: Callable[[], KeyVault], old: bytes | None
) -> None:
    vault = opened()
    vault.swap(UID, old=None, new=b"first")

    assert not vault.swap(UID, old=old, new=b"second")

    assert vault.read(UID) == b"first"


def test_a_file_that_is_not_there_is_not_replaced(opened: Callable[[], KeyVault]) -> None:
    vault = opened()

    assert not vault.swap(UID, old=b"first", new=b"second")

    assert vault.read(UID) is None


def test_files_of_megabytes_are_kept_whole(opened: Callable[[], KeyVault]) -> None:
    vault = opened()
    # More than object stores take in one of the parts that our other files are cut into.
    large = bytes(range(256)) * 24_000
    vault.swap(UID, old=None, new=large)

    assert vault.swap(UID, old=large, new=large[1:])

    assert vault.read(UID) == large[1:]


def test_of_many_writers_at_once_none_is_lost(opened: Callable[[], KeyVault]) -> None:
    opened().swap(UID, old=None, new=b"")

    def write(letter: bytes) -> None:
        vault = opened()
        for _ in range(5):
            while True:
                old = vault.read(UID) or b""
                if vault.swap(UID, old=old, new=old + letter):
                    break

    writers = [threading.Thread(target=write, args=(bytes([65 + n]),)) for n in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert sorted(opened().read(UID) or b"") == sorted(b"ABCDEF" * 5)


@pytest.mark.parametrize("uid", ["", "../col_" + "a" * 32, "col_" + "A" * 32, UID + ".keys"])
def test_what_is_no_uid_is_never_a_path(tmp_path: Path, uid: str) -> None:
    for vault in (FolderVault(tmp_path), ObstoreVault(MemoryStore())):
        with pytest.raises(ValueError, match="no collection's uid"):
            vault.read(uid)
        with pytest.raises(ValueError, match="no collection's uid"):
            vault.swap(uid, old=None, new=b"x")


@pytest.mark.parametrize("url", ["nonsense", "file:///proc/nowhere/at-all"])
def test_a_vault_that_can_t_be_opened_is_told(url: str) -> None:
    with pytest.raises(VaultUnavailable, match=url.removeprefix("file://")):
        open_vault(url)


def test_a_url_of_a_folder_opens_that_folder(tmp_path: Path) -> None:
    vault = open_vault((tmp_path / "a b").as_uri())

    vault.swap(UID, old=None, new=b"x")

    assert FolderVault(tmp_path / "a b").read(UID) == b"x"
