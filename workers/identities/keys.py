"""Seals on a key vault: AES-256-GCM under keys of a tree."""

import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from workers.identities.aes import open_with, seal_with
from workers.identities.errors import KeyDestroyed, VaultUnavailable
from workers.identities.key_file import KeyFile, new_key_file, read_key_file
from workers.identities.vault import KeyVault

#: Collections whose keys one process holds in memory, and their nodes together: some 80 MB.
MOST_COLLECTIONS = 64
MOST_NODES = 2_000_000
#: For how long destroyed keys may be used by processes that have them in memory; they leave it in
#: twice that time at most.
HELD_SECONDS = 10.0
#: Keys in use are read again after `held_seconds`. Those that were not for so many times as long
#: are used by nobody, and leave memory.
_UNUSED = 1.5
#: How often a change of keys is tried while others change them too.
MOST_TRIES = 100


@dataclass(slots=True)
class Held:
    """A collection's keys in memory."""

    keys: KeyFile
    #: The file they were read from.
    content: bytes
    #: When the vault was known to have that file.
    seen_at: float


class VaultSeals:
    """Seals on a key vault, with keys held in memory for a few seconds.

    `refresh` makes them leave earlier. It is not enough: a store that is put back from an old copy
    knows nothing of what was destroyed since, and so can't tell.

    May be used from several threads.

    Args:
        vault: Where keys are.
        held_seconds: From then on the vault is asked whether it still has them.
        has_watcher: Whether a thread lets keys leave memory that nobody uses any more; else
            `forget_unused` has to be called.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        vault: KeyVault,
        *,
        held_seconds: float = HELD_SECONDS,
        has_watcher: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vault = vault
        self._held_seconds = held_seconds
        self._clock = clock
        self._held: OrderedDict[str, Held] = OrderedDict()
        #: By collection the oldest version that may be believed.
        self._least: dict[str, int] = {}
        self._lock = threading.Lock()
        self._has_watcher = has_watcher
        self._watcher: threading.Thread | None = None

    def create(self, uid: str) -> None:
        """See Seals."""
        if self._vault.read(uid) is None:
            # Whoever was faster did the same.
            self._vault.swap(uid, old=None, new=new_key_file(uid).to_bytes())

    def seal(self, uid: str, leaf: int, plain: bytes, *, purpose: str) -> bytes:
        """See Seals."""
        return seal_with(self._leaf_key(uid, leaf), plain, context=_context(uid, leaf, purpose))

    def open(self, uid: str, leaf: int, sealed: bytes, *, purpose: str) -> bytes:
        """See Seals."""
        return open_with(self._leaf_key(uid, leaf), sealed, context=_context(uid, leaf, purpose))

    def tag(self, uid: str, text: str) -> str:
        """See Seals."""
        keys = self._keys(uid)
        if keys.tree is None:
            raise KeyDestroyed
        return hmac.digest(keys.tag_key, text.encode(), "sha256").hex()

    def next_leaf(self, uid: str, at_least: int) -> int:
        """See Seals."""
        keys = self._keys(uid)
        leaf = None if keys.tree is None else keys.tree.next_leaf(at_least)
        if leaf is None:
            raise KeyDestroyed
        return leaf

    def destroy_leaves(self, uid: str, leaves: Collection[int]) -> int:
        """See Seals."""
        return self._change(uid, lambda keys: keys.without(leaves))

    def destroy(self, uid: str) -> int:
        """See Seals."""
        return self._change(uid, KeyFile.emptied)

    def refresh(self, uid: str, version: int) -> None:
        """See Seals."""
        with self._lock:
            if version > self._least.get(uid, 0):
                self._least[uid] = version
            held = self._held.get(uid)
            if held is not None and held.keys.version < version:
                del self._held[uid]

    def forget_unused(self) -> bool:
        """Let keys leave memory about which the vault was not asked for long.

        Who uses them again reads them again. Without this, keys that were destroyed would stay with
        whoever happened to use them last.

        Returns:
            Whether any are left.
        """
        with self._lock:
            oldest = self._clock() - self._held_seconds * _UNUSED
            for uid in [uid for uid, held in self._held.items() if held.seen_at < oldest]:
                del self._held[uid]
            if not self._held:
                # Whoever holds keys again starts another.
                self._watcher = None
            return bool(self._held)

    def _watch(self) -> None:
        while self.forget_unused():
            time.sleep(self._held_seconds / 2)

    def _leaf_key(self, uid: str, leaf: int) -> bytes:
        keys = self._keys(uid)
        key = None if keys.tree is None else keys.tree.leaf_key(leaf)
        if key is None:
            raise KeyDestroyed
        return key

    def _keys(self, uid: str) -> KeyFile:
        with self._lock:
            held = self._held.get(uid)
            if held and self._clock() < held.seen_at + self._held_seconds:
                self._held.move_to_end(uid)
                return held.keys
        return self._read(uid).keys

    def _read(self, uid: str) -> Held:
        """The keys that the vault has at this moment."""
        with self._lock:
            # What is read from now on is at least as new. Others may go on while it is read.
            least = self._least.get(uid, 0)
        asked_at = self._clock()
        content = self._vault.read(uid)
        if content is None:
            # Destroyed keys leave a file without keys. None at all is an accident.
            raise VaultUnavailable(f"The key vault has no file of {uid}: is it the right vault?")
        with self._lock:
            held = self._held.get(uid)
            if held and held.content == content:
                # The same keys, with what was derived of them.
                held.seen_at = max(held.seen_at, asked_at)
                return held
        found = Held(read_key_file(uid, content), content, asked_at)
        if found.keys.version < least:
            raise VaultUnavailable(
                f"The key vault has an old copy of the keys of {uid}: keys that were destroyed "
                "may be in it. Put the newest one back."
            )
        self._hold(found)
        return found

    def _change(self, uid: str, changed: Callable[[KeyFile], KeyFile]) -> int:
        for _ in range(MOST_TRIES):
            held = self._read(uid)
            new = changed(held.keys)
            if new is held.keys:
                return new.version
            content = new.to_bytes()
            if self._vault.swap(uid, old=held.content, new=content):
                self._hold(Held(new, content, self._clock()))
                return new.version
        raise VaultUnavailable("Others change the keys all the time. Try again.")

    def _hold(self, new: Held) -> None:
        """Keep keys in memory, unless newer ones were seen; those used longest ago leave."""
        uid, version = new.keys.uid, new.keys.version
        with self._lock:
            if version < self._least.get(uid, 0):
                return
            self._least[uid] = version
            self._held[uid] = new
            self._held.move_to_end(uid)
            nodes = sum(len(held.keys.tree or ()) for held in self._held.values())
            while len(self._held) > MOST_COLLECTIONS or (
                nodes > MOST_NODES and len(self._held) > 1
            ):
                _, dropped = self._held.popitem(last=False)
                nodes -= len(dropped.keys.tree or ())
            # None of this process: threads don't outlive a fork.
            if self._has_watcher and not (self._watcher and self._watcher.is_alive()):
                self._watcher = threading.Thread(
                    target=self._watch, name="key-watcher", daemon=True
                )
                self._watcher.start()


def _context(uid: str, leaf: int, purpose: str) -> str:
    return f"facesocial {uid} {leaf} {purpose}"
