"""Faces of a live stream followed from frame to frame, with one vote on who each of them is."""

import itertools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.live.track_vote import Seen, Vote, Votes, seen_of
from workers.identities.records import Person

#: A face is the same as in the frame before when their boxes share so much of what both cover.
LEAST_OVERLAP = 0.3
#: Somebody who was not seen for so long is somebody new.
FORGOTTEN_SECONDS = 2.0

#: By enrolled face whose it is at this moment; faces that were deleted are left out.
Resolve = Callable[[Collection[str]], Mapping[str, Person]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """Where a face is, in shares of the frame."""

    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(0.0, width) * max(0.0, height)
        covered = self.width * self.height + other.width * other.height - shared
        return shared / covered if covered > 0 else 0.0


@dataclass(kw_only=True, slots=True)
class _Track:
    number: int
    box: Box
    seen_at: float
    votes: Votes = field(default_factory=Votes)


class Tracks:
    """The people of one stream. Not thread-safe: frames are given in their order.

    Persons are looked up anew with every frame, so a vote of earlier frames names nobody who was
    deleted meanwhile, and follows one who was merged.

    Args:
        resolve: Says whose enrolled faces are.
        clock: In seconds, for tests.
    """

    def __init__(self, resolve: Resolve, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._resolve = resolve
        self._clock = clock
        self._numbers = itertools.count(1)
        self._tracks: list[_Track] = []

    def follow(self, faces: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What is told of each face of the next frame.

        Args:
            faces: As a worker answered them.

        Raises:
            StoreUnavailable: nobody can say whether the persons are still there.
        """
        now = self._clock()
        followed = self._followed([Box(**face["bbox_normalized"]) for face in faces], now)
        known = [seen_of(face["identity"]) if face.get("identity") else None for face in faces]
        wanted = {face_id for track in followed for face_id in track.votes.face_ids}
        wanted |= {one.face_id for one in known if one is not None and one.face_id}
        persons = self._resolve(wanted) if wanted else {}
        whose = {face_id: person.id for face_id, person in persons.items()}
        for track, seen in zip(followed, known, strict=True):
            if seen is not None:
                self._add(track, seen, whose)
        by_id = {person.id: person for person in persons.values()}
        return [_told(track, track.votes.count(whose), by_id) for track in followed]

    def _followed(self, boxes: Sequence[Box], now: float) -> list[_Track]:
        """For each box its track: those that overlap most find each other first."""
        self._tracks = [one for one in self._tracks if now - one.seen_at <= FORGOTTEN_SECONDS]
        pairs = sorted(
            (
                (track.box.overlap(box), place, track)
                for place, box in enumerate(boxes)
                for track in self._tracks
            ),
            key=lambda pair: (-pair[0], pair[1], pair[2].number),
        )
        found: dict[int, _Track] = {}
        taken: set[int] = set()
        for overlap, place, track in pairs:
            if overlap >= LEAST_OVERLAP and place not in found and track.number not in taken:
                found[place] = track
                taken.add(track.number)
        for place, box in enumerate(boxes):
            track = found.get(place) or self._new(box, now)
            found[place] = track
            track.box, track.seen_at = box, now
        return [found[place] for place in range(len(boxes))]

    def _new(self, box: Box, now: float) -> _Track:
        track = _Track(number=next(self._numbers), box=box, seen_at=now)
        self._tracks.append(track)
        return track

    def _add(self, track: _Track, seen: Seen, whose: Mapping[str, str]) -> None:
        """Count a frame. If it names somebody else than those before, two have changed places."""
        person_id = whose.get(seen.face_id) if seen.decision == "match" else None
        if person_id is not None and set(track.votes.named(whose)) - {person_id}:
            track.number = next(self._numbers)
            track.votes = Votes()
        track.votes.seen.append(seen)


def _told(track: _Track, vote: Vote, persons: Mapping[str, Person]) -> dict[str, Any]:
    person = persons[vote.person_id] if vote.person_id is not None else None
    return {
        "id": track.number,
        "frames": vote.frames,
        "agreeing": vote.agreeing,
        "decision": vote.decision,
        "person": person
        and {
            "id": person.id,
            "name": person.name,
            "external_id": person.external_id,
            "metadata": dict(person.metadata),
        },
        "reasons": list(vote.reasons),
    }
