"""The key vaults that seals stand on, and processes that use them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from workers.identities.folder_vault import FolderVault
from workers.identities.keys import VaultSeals
from workers.identities.obstore_vault import ObstoreVault
from workers.identities.seals import Seals
from workers.identities.vault import KeyVault, MemoryVault

UID, OTHER = "col_" + "a" * 32, "col_" + "b" * 32


@pytest.fixture(params=["memory", "folder", "objects"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> KeyVault:
    if request.param == "folder":
        return FolderVault(tmp_path / "keys")
    return MemoryVault() if request.param == "memory" else ObstoreVault(MemoryStore())


@pytest.fixture
def process(vault: KeyVault) -> Callable[[], Seals]:
    """Starts another process: it holds no keys in memory yet."""
    return lambda: VaultSeals(vault)


@pytest.fixture
def seals(process: Callable[[], Seals]) -> Seals:
    made = process()
    made.create(UID)
    made.create(OTHER)
    return made
