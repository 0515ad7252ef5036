"""The models that vote on liveness, and what they decide together."""

from collections.abc import Collection, Mapping, Sequence

from models.anti_spoofing.classifier import LivenessClassifier
from models.anti_spoofing.judge import Band, judge
from models.anti_spoofing.motion import Frame, motion_of
from models.anti_spoofing.results import LivenessScores, LivenessVerdict, SequenceVerdict
from models.anti_spoofing.sequence import LAST_FRAMES, judge_sequence
from models.anti_spoofing.view import view_of
from models.errors import LivenessUnavailable
from models.results import DetectedFace, Image


def weights_among(weights: Mapping[str, float], running: Collection[str]) -> dict[str, float]:
    """The weights of the models that run, raised so that they sum to 1.

    Args:
        weights: Of all models that may vote, by id: `Catalogue.ensembles["anti_spoofing"]`.
        running: Ids of the models that can run here.

    Raises:
        LivenessUnavailable: none of them does.
    """
    here = {name: weight for name, weight in weights.items() if name in running}
    if not here:
        raise LivenessUnavailable
    total = sum(here.values())
    return {name: weight / total for name, weight in here.items()}


class LivenessEnsemble:
    """Runs its members on the same faces and judges by their weighted mean."""

    def __init__(
        self, members: Mapping[str, LivenessClassifier], weights: Mapping[str, float]
    ) -> None:
        """Take over loaded models.

        Args:
            members: By id. One without a weight is run as well (for kinds of attack) and does not
                vote.
            weights: Of the members that vote, by id; all positive.

        Raises:
            LivenessUnavailable: no model votes, or one that should is no member.
        """
        if not weights or weights.keys() - members.keys():
            raise LivenessUnavailable
        self._members = dict(members)
        self._weights = dict(weights)

    def judge(
        self,
        image: Image,
        faces: Sequence[DetectedFace],
        *,
        faults: Sequence[Sequence[str]] | None = None,
        band: Band | None = None,
    ) -> list[LivenessVerdict]:
        """Judge each face of one image, in their order.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.
            faults: For each face, what a quality check found that forbids a verdict.
            band: The limits; the measured ones by default.

        Raises:
            InferenceFailed: a member could not judge; no verdict is made without it.
        """
        said = {name: member.scores(image, faces) for name, member in self._members.items()}
        return self.judge_scores(image, faces, said, faults=faults, band=band)

    def judge_scores(
        self,
        image: Image,
        faces: Sequence[DetectedFace],
        said: Mapping[str, Sequence[LivenessScores]],
        *,
        faults: Sequence[Sequence[str]] | None = None,
        band: Band | None = None,
    ) -> list[LivenessVerdict]:
        """Judge each face of one image by what each member said of it, as `judge` does.

        Args:
            image: (H, W, 3) uint8, RGB.
            faces: Faces found in that image.
            said: By the member's id, its scores of these faces in their order.
            faults: For each face, what a quality check found that forbids a verdict.
            band: The limits; the measured ones by default.
        """
        return [
            judge(
                view_of(image, face, faults[index] if faults else ()),
                {name: scores[index] for name, scores in said.items()},
                self._weights,
                band=band,
            )
            for index, face in enumerate(faces)
        ]

    def judge_frames(self, frames: Sequence[Frame], *, band: Band | None = None) -> SequenceVerdict:
        """Judge one face over at least two frames, oldest first; the last LAST_FRAMES count.

        Raises:
            InferenceFailed: a member could not judge.
            ValueError: fewer than two frames.
        """
        recent = frames[-LAST_FRAMES:]
        motion = motion_of(recent)
        verdicts = [self.judge(frame.image, [frame.face], band=band)[0] for frame in recent]
        return judge_sequence(verdicts, motion, band=band)
