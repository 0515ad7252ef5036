"""A device's entries, from its events alone: what an auditor can say without the ledger.

Uses are no events, because they would drown all others. So who pins an entry, when it was last
used, until when its lease runs and its inflation can't be told, and are left out.
"""

import dataclasses
from collections.abc import Iterable

from vram.records import Entry, Event


def without_uses(entry: Entry) -> Entry:
    """An entry without what only uses and signs of life change."""
    return dataclasses.replace(entry, pins={}, used_ms=0, lease_ms=0, inflation=0.0)


def replay(events: Iterable[Event], *, start: Iterable[Entry] = ()) -> tuple[Entry, ...]:
    """The entries after the last event, ordered by gen, without their uses.

    Args:
        events: Of one device, oldest first.
        start: Entries before the first of them. A stream that lost its beginning knows nothing of
            entries that did not change since.
    """
    entries = {entry.gen: without_uses(entry) for entry in start}
    for event in events:
        if event.gen is None:
            continue
        if event.entry is None:
            entries.pop(event.gen, None)
        else:
            entries[event.gen] = without_uses(event.entry)
    return tuple(entries[gen] for gen in sorted(entries))
