"""Who somebody in a live stream is, by the newest frames together. Pure."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

#: Frames that vote: the newest ones. At five frames a second these are three seconds.
VOTING_FRAMES = 15
#: Nobody is named before so many frames of them were judged.
FEWEST_FRAMES = 3
#: What a gate says of a face that must not be named. One such frame is enough.
_SUSPECTED = frozenset({"spoof_suspected", "manipulated_suspected"})

Decision = Literal["match", "uncertain", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What one frame says of a face."""

    decision: Decision
    #: The enrolled face it is most similar to; "" where none may be told.
    face_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """What all frames say together."""

    decision: Decision
    #: Who it is; None unless the decision is "match".
    person_id: str | None
    #: Frames that voted, and of those how many name that person, or the one most often named.
    frames: int
    agreeing: int
    #: Why nobody is named.
    reasons: tuple[str, ...]


@dataclass(kw_only=True, slots=True)
class Votes:
    """The newest frames of one track.

    A person is named when more than half of the frames name them by themselves: so a vote passes no
    stranger whom not a single frame would pass. One frame that looks like a picture or a
    manipulated face leaves the track without a name as long as it counts.
    """

    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=VOTING_FRAMES))

    @property
    def face_ids(self) -> set[str]:
        """Enrolled faces that frames name."""
        return {one.face_id for one in self.seen if one.face_id}

    def named(self, persons: Mapping[str, str]) -> Counter[str]:
        """By person how many frames name them.

        Args:
            persons: By enrolled face whose it is at this moment; without those that were deleted.
        """
        return Counter(
            persons[one.face_id]
            for one in self.seen
            if one.decision == "match" and one.face_id in persons
        )

    def count(self, persons: Mapping[str, str]) -> Vote:
        """The vote.

        Args:
            persons: See `named`.
        """
        frames = len(self.seen)
        named = self.named(persons).most_common(1)
        person_id, agreeing = named[0] if named else (None, 0)
        suspected = sorted({word for one in self.seen for word in one.reasons} & _SUSPECTED)
        is_listed = any(one.decision != "unknown" and one.face_id in persons for one in self.seen)
        reasons: Sequence[str] = ()
        decision: Decision = "unknown"
        if suspected:
            reasons = suspected
        elif agreeing * 2 > frames >= FEWEST_FRAMES:
            decision = "match"
        elif is_listed:
            decision = "uncertain"
            reasons = ["too_few_frames" if frames < FEWEST_FRAMES else "frames_disagree"]
        return Vote(
            decision=decision,
            person_id=person_id if decision == "match" else None,
            frames=frames,
            agreeing=agreeing,
            reasons=tuple(reasons),
        )


def seen_of(identity: Mapping[str, Any]) -> Seen:
    """What a frame's answer says of a face, as its worker wrote it."""
    candidates = identity["candidates"]
    return Seen(
        decision=identity["decision"],
        face_id=candidates[0]["face_id"] if candidates else "",
        reasons=tuple(identity["reasons"]),
    )
