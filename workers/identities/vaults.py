"""Opens the key vault that the settings name."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from obstore.exceptions import BaseError
from obstore.store import from_url

from workers.identities.errors import VaultUnavailable
from workers.identities.folder_vault import FolderVault
from workers.identities.keys import VaultSeals
from workers.identities.obstore_vault import ObstoreVault, first_line
from workers.identities.vault import KeyVault

#: Of an object store: longest wait for one answer, and for all tries together. Requests wait for
#: keys, so not for minutes.
CALL_TIMEOUT, RETRY_TIMEOUT = timedelta(seconds=5), timedelta(seconds=12)


def open_vault(url: str) -> KeyVault:
    """The key vault at a URL: a folder, or an object store.

    Raises:
        VaultUnavailable: the URL is not understood or the folder can't be made.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "file":
            return FolderVault(Path(unquote(parts.path)))
        return ObstoreVault(
            from_url(
                url,
                client_options={"timeout": CALL_TIMEOUT, "connect_timeout": CALL_TIMEOUT},
                retry_config={"max_retries": 2, "retry_timeout": RETRY_TIMEOUT},
            )
        )
    except (BaseError, ValueError) as error:
        raise VaultUnavailable(
            f"The key vault {url} can't be opened: {first_line(error)}."
        ) from error


def open_seals(url: str) -> VaultSeals:
    """Seals on the key vault at a URL. Raises as `open_vault` does."""
    return VaultSeals(open_vault(url), has_watcher=True)
