"""`facesocial backup`: copy a data folder while its fleet works, people's keys apart."""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from filelock import FileLock, Timeout
from pydantic import SecretStr

from cli.account_store import embedded_url
from cli.errors import CliError
from cli.launcher.data_dir import DataDir
from workers.blobs.obstore_store import IDENTITY_PREFIX
from workers.connections.calls import translated
from workers.connections.client import connect
from workers.errors import StoreUnavailable
from workers.identities.folder_vault import FolderVault
from workers.settings.process import Settings, load_settings

#: Growth at which the store rewrites its file by itself, percent; 0: never.
_REWRITE = "auto-aof-rewrite-percentage"
#: The server's own default, which ours has.
_REWRITE_AT = 100
#: Longest wait for a rewrite that is under way.
_REWRITE_SECONDS = 600.0
_POLL_SECONDS = 0.1
_PRIVATE_MASK = 0o077
#: Its copy, and what is half-written or on its way out.
_KEYS, _NEW, _OLD = "identity-keys", "identity-keys.new", "identity-keys.old"


class BackupFailed(CliError):
    """Nothing was copied, or not all of it."""


def backup(
    copy: Annotated[Path, typer.Argument(metavar="COPY", help="A folder to be made.")],
    *,
    keys: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where the one newest copy of people's keys is kept, apart."
        ),
    ],
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The data folder.", show_default="of the settings"),
    ] = None,
) -> None:
    """Copy a data folder, whether or not its fleet runs; keys of people go to --keys."""
    settings = load_settings()
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": data_dir})
    _require_files_of_its_own(settings)
    copy, keys = copy.resolve(), keys.resolve()
    data = DataDir(root=settings.data_dir.absolute())
    _require_apart(copy, keys, data)
    os.umask(_PRIVATE_MASK)
    try:
        with _alone(data), _ends_in_order(), _files_only_grow(settings, data):
            _copy_all(data, copy)
            # Last: keys that are newer than the store's copy are right, older ones are refused.
            _replace_keys(data.root / _KEYS, keys)
    except (OSError, shutil.Error) as error:
        raise BackupFailed(f"The copy is not complete: {error}.") from error
    print(f"Copied to {copy}, and the keys of people to {keys / _KEYS}.")


def _require_files_of_its_own(settings: Settings) -> None:
    for name in ("redis_url", "blob_url", "identity_keys_url"):
        if name in settings.model_fields_set:
            raise BackupFailed(
                f"FACESOCIAL_{name.upper()} is set: this copies what a data folder holds. "
                "docs/how-to/operate.md tells of the others."
            )


def _require_apart(copy: Path, keys: Path, data: DataDir) -> None:
    """Refuse places where one thing would be written over or into another."""
    if copy.exists():
        raise BackupFailed(f"{copy} is there already. Name a folder that is not.")
    if keys == copy or copy in keys.parents:
        raise BackupFailed("The keys belong apart from the rest: name a --keys outside of COPY.")
    root = data.root.resolve()
    for name, path in (("COPY", copy), ("--keys", keys)):
        if root in (path, *path.parents):
            raise BackupFailed(f"{path} is in the data folder: name a {name} outside of {root}.")
    if (keys / _KEYS).resolve() == (root / _KEYS).resolve():
        raise BackupFailed(f"{keys / _KEYS} are the keys that are in use: name another --keys.")


@contextmanager
def _alone(data: DataDir) -> Iterator[None]:
    if not data.store.is_dir():
        raise BackupFailed(f"{data.root} is no data folder: nothing was ever started on it.")
    try:
        with FileLock(data.run / "backup.lock", timeout=0):
            yield
    except Timeout:
        raise BackupFailed("Another backup of this folder is under way.") from None


@contextmanager
def _ends_in_order() -> Iterator[None]:
    """Let what was changed be changed back when we are told to end, as at Ctrl-C."""

    def leave(signum: int, _frame: FrameType | None) -> None:
        sys.exit(128 + signum)

    before = {
        signum: signal.signal(signum, leave)
        for signum in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(signum) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def _files_only_grow(settings: Settings, data: DataDir) -> Iterator[None]:
    """Keep the store from rewriting its file; where none runs, keep one from being started."""
    url = embedded_url(settings)
    if url is not None:
        settings = settings.model_copy(update={"redis_url": SecretStr(url)})
    with connect(settings, role="backup") as client:
        try:
            with translated():
                is_up = url is not None and client.config_set(_REWRITE, 0)
        except StoreUnavailable:
            is_up = False
        if not is_up:
            with data.held():
                yield
            return
        try:
            with translated():
                _wait_for_rewrite(lambda: client.info("persistence"))
            yield
        finally:
            with translated():
                client.config_set(_REWRITE, _REWRITE_AT)


def _wait_for_rewrite(ask: Callable[[], Mapping[str, Any]]) -> None:
    deadline = time.monotonic() + _REWRITE_SECONDS
    while ask()["aof_rewrite_in_progress"]:
        if time.monotonic() > deadline:
            raise BackupFailed("The store has been rewriting its file for minutes.")
        time.sleep(_POLL_SECONDS)


def _copy_all(data: DataDir, copy: Path) -> None:
    """Store, kept photos, the gateways' secret; not photos of jobs, which are to be forgotten."""
    partial = copy.with_name(f"{copy.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    people = Path("blobs", IDENTITY_PREFIX)
    _copy_tree(data.store, partial / "store")
    if (data.root / people).is_dir():
        _copy_tree(data.root / people, partial / people)
    (partial / "run").mkdir()
    secret = data.run / "gateway.secret"
    if secret.is_file():
        shutil.copy2(secret, partial / "run")
    else:
        print("The folder has no secret of the gateways: keep FACESOCIAL_GATEWAY_SECRET apart.")
    partial.rename(copy)


def _replace_keys(vault: Path, keys: Path) -> None:
    """One copy at any time but for a moment: an older one reads what was deleted since."""
    keys.mkdir(parents=True, exist_ok=True)
    if (keys / _OLD).exists() and not (keys / _KEYS).exists():
        # Killed between the two renames below: by then the new copy was whole.
        (keys / _NEW).rename(keys / _KEYS)
    for left in (_NEW, _OLD):
        shutil.rmtree(keys / left, ignore_errors=True)
    (keys / _NEW).mkdir()
    if not FolderVault(vault).copy_to(keys / _NEW) and any((keys / _KEYS).glob("*.keys")):
        raise BackupFailed(
            f"{vault} has no keys, and {keys / _KEYS} has, which was kept; all else was copied. "
            "Were the keys lost, put them back from there. If all known people were deleted, "
            "delete that folder."
        )
    if (keys / _KEYS).exists():
        (keys / _KEYS).rename(keys / _OLD)
    (keys / _NEW).rename(keys / _KEYS)
    shutil.rmtree(keys / _OLD, ignore_errors=True)


def _copy_tree(source: Path, target: Path) -> None:
    def copy_if_there(one: str, other: str) -> str:
        # Deleted since the folder was listed: as if it had been deleted before.
        with suppress(FileNotFoundError):
            shutil.copy2(one, other)
        return other

    shutil.copytree(source, target, copy_function=copy_if_there)
