"""The key vault in an object store, when somebody else writes between its two calls."""

from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore

from workers.identities.errors import VaultUnavailable
from workers.identities.obstore_vault import ObstoreVault

UID = "col_" + "a" * 32


class SlowVault(ObstoreVault):
    """Lets others write after it has looked."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    def _found(self, uid: str) -> object:  # type: ignore[override]
        found = super()._found(uid)
        self.meanwhile()
        return found


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_a_file_that_somebody_else_made_meanwhile_is_left_alone(store: MemoryStore) -> None:
    slow, fast = SlowVault(store), ObstoreVault(store)
    slow.meanwhile = lambda: fast.swap(UID, old=None, new=b"theirs")

    assert not slow.swap(UID, old=None, new=b"mine")

    assert fast.read(UID) == b"theirs"


def test_a_file_that_somebody_else_replaced_meanwhile_is_left_alone(store: MemoryStore) -> None:
    slow, fast = SlowVault(store), ObstoreVault(store)
    fast.swap(UID, old=None, new=b"first")
    slow.meanwhile = lambda: fast.swap(UID, old=b"first", new=b"theirs")

    assert not slow.swap(UID, old=b"first", new=b"mine")

    assert fast.read(UID) == b"theirs"


def test_a_store_without_conditional_writes_is_refused(tmp_path: Path) -> None:
    vault = ObstoreVault(LocalStore(tmp_path))
    vault.swap(UID, old=None, new=b"first")

    with pytest.raises(VaultUnavailable, match="conditional"):
        vault.swap(UID, old=b"first", new=b"second")

    assert vault.read(UID) == b"first"


def test_a_store_that_can_t_be_reached_is_told() -> None:
    vault = ObstoreVault(LocalStore("/proc/self/fd", mkdir=False))

    with pytest.raises(VaultUnavailable):
        vault.swap(UID, old=None, new=b"first")
