"""Which models will probably be needed within the hour, by the hours in which they were needed.

Kept in a file of this worker's: it is a habit of one device's users, worth nothing elsewhere, and
a lost file costs nothing but a few days of guessing.
"""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

#: A day counts so much less than the one after it: half after about a week.
DAY_DECAY = 0.9
HOURS = 24

_log = structlog.get_logger()


class UsageByHour:
    """Counts, for each hour of the day, on how many days a model was used in it.

    The probability of a use is those days over all days of that hour plus one, both decayed: one
    day proves nothing, three in a row make 0.73.

    Args:
        path: Where it is kept; None: nowhere.
        clock: Seconds since the epoch.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._days = [0.0] * HOURS
        self._uses: dict[str, list[float]] = {}
        self._now_used: set[str] = set()
        self._tried: set[str] = set()
        self._hour = self._this_hour()
        self._read()

    def used(self, model: str) -> None:
        """Count a use."""
        with self._lock:
            self._roll()
            self._now_used.add(model)

    def probability(self, model: str) -> float:
        """How likely a model is to be used in the next hour, from 0 to below 1."""
        with self._lock:
            self._roll()
            hour = (time.localtime(self._clock()).tm_hour + 1) % HOURS
            uses = self._uses.get(model)
            return 0.0 if uses is None else uses[hour] / (self._days[hour] + 1)

    def take_likely(self, more_than: float) -> list[str]:
        """Models likelier than that, likeliest first; each is named once an hour."""
        with self._lock:
            self._roll()
            known = [model for model in self._uses if model not in self._tried]
        likely = [model for model in known if self.probability(model) > more_than]
        self._tried.update(likely)
        return sorted(likely, key=lambda model: -self.probability(model))

    def _this_hour(self) -> int:
        return int(self._clock() // 3600)

    def _roll(self) -> None:
        """Count the hour that has ended; hours without this worker say nothing."""
        now = self._this_hour()
        if now == self._hour:
            return
        hour = time.localtime(self._hour * 3600).tm_hour
        self._days[hour] = self._days[hour] * DAY_DECAY + 1
        for model in self._now_used:
            self._uses.setdefault(model, [0.0] * HOURS)
        for model, uses in self._uses.items():
            uses[hour] = uses[hour] * DAY_DECAY + (model in self._now_used)
        self._hour, self._now_used, self._tried = now, set(), set()
        self._write()

    def _read(self) -> None:
        if self._path is None or not self._path.exists():
            return
        try:
            kept: Any = json.loads(self._path.read_text(encoding="utf-8"))
            days = [float(day) for day in kept["days"]]
            uses = {str(model): [float(n) for n in row] for model, row in kept["uses"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning("preload.history_unreadable", path=str(self._path), error=str(error))
            return
        if all(len(row) == HOURS for row in (days, *uses.values())):
            self._days, self._uses = days, uses

    def _write(self) -> None:
        if self._path is None:
            return
        partial = self._path.with_suffix(".partial")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps({"days": self._days, "uses": self._uses}), "utf-8")
            partial.replace(self._path)
        except OSError as error:
            _log.warning("preload.history_not_kept", path=str(self._path), error=str(error))
