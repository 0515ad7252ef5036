"""Following faces through the sampled frames of a video: the same person, the same track."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.results import Box, DetectedFace, Embedding

#: What a face's place is worth beside its looks, both being 0 to 1: people who cross are told apart
#: by their looks, two who look alike by their places.
_PLACE_WEIGHT = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackingOptions:
    """What counts as the same person."""

    #: Cosine similarity from which two faces are one person's wherever they are. 0.363 is what
    #: SFace's publishers give (OpenCV zoo).
    same_similarity: float = 0.363
    #: A face in the same place is another person's below this similarity: unrelated faces lie
    #: around 0, one face in two poses or under a swap's flicker above.
    other_similarity: float = 0.1
    #: Intersection over union from which a face is in the same place.
    min_overlap: float = 0.3
    #: A place is worth something for so long after a face was seen there.
    max_gap_seconds: float = 1.5
    #: Faces of further persons get no track.
    max_tracks: int = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The track of a face."""

    #: Counts tracks from 0.
    track: int
    #: Cosine similarity to the mean of the track's earlier embeddings; None for its first face.
    similarity: float | None


@dataclass(kw_only=True, slots=True, eq=False)
class _Track:
    box: Box
    scene: int
    time_seconds: float
    #: Sum of unit vectors: its direction is their mean.
    total: NDArray[np.float32]

    @property
    def direction(self) -> NDArray[np.float32]:
        length = float(np.linalg.norm(self.total))
        return self.total / np.float32(length or 1.0)


class FaceTracker:
    """Assigns the faces of one frame after the other to tracks; holds one entry per track.

    Attributes:
        untracked: Faces without a track because there were too many.
    """

    def __init__(self, options: TrackingOptions) -> None:
        self.untracked = 0
        self._options = options
        self._tracks: list[_Track] = []

    def update(
        self,
        *,
        time_seconds: float,
        scene: int,
        faces: Sequence[DetectedFace],
        embeddings: Sequence[Embedding],
    ) -> list[Match | None]:
        """Assign the faces of the next frame.

        A face continues a track that was in its place moments ago in the same scene, or whose
        embeddings are alike; the likeliest pair is taken first. Others start tracks.

        Args:
            time_seconds: Time of the frame; not before that of the last.
            scene: Number of its scene.
            faces: The frame's faces.
            embeddings: Theirs, in their order.

        Returns:
            The match of each face, in their order; None for those that get no track.
        """
        matches: list[Match | None] = [None] * len(faces)
        pairs = self._pairs(time_seconds, scene, faces, embeddings)
        used: set[int] = set()
        for _, face, track, similarity in sorted(pairs, key=lambda pair: -pair[0]):
            if matches[face] is None and track not in used:
                used.add(track)
                matches[face] = Match(track=track, similarity=similarity)
        for i, (face_found, embedding) in enumerate(zip(faces, embeddings, strict=True)):
            matched = matches[i]
            seen = _Track(
                box=face_found.box,
                scene=scene,
                time_seconds=time_seconds,
                total=embedding.vector.copy(),
            )
            if matched is not None:
                seen.total += self._tracks[matched.track].total
                self._tracks[matched.track] = seen
            elif len(self._tracks) < self._options.max_tracks:
                matches[i] = Match(track=len(self._tracks), similarity=None)
                self._tracks.append(seen)
            else:
                self.untracked += 1
        return matches

    def _pairs(
        self,
        time_seconds: float,
        scene: int,
        faces: Sequence[DetectedFace],
        embeddings: Sequence[Embedding],
    ) -> list[tuple[float, int, int, float]]:
        """Score, face, track and similarity of all pairs that may be one person."""
        options = self._options
        pairs = []
        for number, track in enumerate(self._tracks):
            recent = time_seconds - track.time_seconds <= options.max_gap_seconds
            continues = recent and scene == track.scene
            direction = track.direction
            for i, (face, embedding) in enumerate(zip(faces, embeddings, strict=True)):
                similarity = float(direction @ embedding.vector)
                shared = overlap(track.box, face.box) if continues else 0.0
                in_place = shared >= options.min_overlap and similarity >= options.other_similarity
                if in_place or similarity >= options.same_similarity:
                    pairs.append((similarity + _PLACE_WEIGHT * shared, i, number, similarity))
        return pairs


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1; 0 where neither has an area."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(across, 0.0) * max(down, 0.0)
    union = one.area + other.area - shared
    return shared / union if union > 0 else 0.0
