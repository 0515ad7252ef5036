"""Several pictures of one face: live or not, with the motion between them."""

from collections.abc import Sequence

from models.anti_spoofing.motion import Frame
from models.anti_spoofing.policy import CpuPolicy
from models.anti_spoofing.sequence import LAST_FRAMES
from workers.answers.analysis import AntiSpoofingAnswer
from workers.answers.part import Answer
from workers.answers.work import WorkAnswer
from workers.contract import AnalyzeOptions
from workers.devices.residency import Residency
from workers.errors import NoFace
from workers.photos.decode import decode_image
from workers.stages.anti_spoofing import AntiSpoofingStage, liveness_answer
from workers.stages.detection import DetectionStage


class MotionAnswer(Answer):
    """How the face moved; shares of the face's size."""

    #: How far the landmarks moved from picture to picture, camera and head together.
    displacement: float
    #: What a flat picture's motion can't explain; null when nothing could be followed.
    residual: float | None


class SequenceAnswer(WorkAnswer):
    """Whether a face that several pictures show is live."""

    #: "live", "spoof" or "retake".
    outcome: str
    #: Median over the pictures that allow a verdict, 0 to 1.
    score: float
    #: The score after what was taken off for missing motion; live from `threshold` on.
    confidence: float
    threshold: float
    #: too_few_frames, frames_disagree, no_motion, uncertain.
    reasons: tuple[str, ...]
    motion: MotionAnswer
    #: Each picture's own verdict, oldest first.
    frames: tuple[AntiSpoofingAnswer, ...]


class FrameLiveness:
    """Judges the largest face over several pictures of it.

    Args:
        residency: The loaded models.
        max_pixels: Images with more are refused before they are decoded.
        cpu_policy: Whether the models may run on the CPU.
    """

    def __init__(
        self, residency: Residency, *, max_pixels: int, cpu_policy: CpuPolicy = "allow"
    ) -> None:
        self._max_pixels = max_pixels
        self._policy = cpu_policy
        self._detection = DetectionStage(residency)
        self._anti_spoofing = AntiSpoofingStage(residency, cpu_policy=cpu_policy)

    def judge(self, contents: Sequence[bytes], *, model: str | None = None) -> SequenceAnswer:
        """Judge encoded images, oldest first; the last LAST_FRAMES count.

        Args:
            contents: At least two JPEG, PNG or WebP files.
            model: One model, by name; all installed ones when not given.

        Raises:
            ValueError: there are fewer than two.
            ImageRejected: one of them is no image we can decode.
            NoFace: one of them shows none.
            AnalysisUnavailable: no model may run here.
            ModelsError: no model is installed, or one failed.
        """
        frames = [
            self.look(content, name=f"photo {number}")
            for number, content in list(enumerate(contents, start=1))[-LAST_FRAMES:]
        ]
        return self.judge_frames(frames, model=model)

    def judge_frames(self, frames: Sequence[Frame], *, model: str | None = None) -> SequenceAnswer:
        """Judge faces that were found already, oldest first.

        Raises:
            ValueError: there are fewer than two.
            AnalysisUnavailable: no model may run here.
            ModelsError: no model is installed, or one failed.
        """
        with self._anti_spoofing.jury(model) as jury:
            verdict, device = jury.ensemble.judge_frames(frames), jury.device
        motion = verdict.motion
        return SequenceAnswer(
            outcome=verdict.outcome,
            score=round(verdict.score, 4),
            confidence=round(verdict.confidence, 4),
            threshold=verdict.threshold,
            reasons=verdict.reasons,
            motion=MotionAnswer(
                displacement=round(motion.displacement, 4),
                residual=None if motion.residual is None else round(motion.residual, 5),
            ),
            frames=tuple(
                liveness_answer(frame, device=device, policy=self._policy)
                for frame in verdict.frames
            ),
        )

    def look(self, content: bytes, *, name: str) -> Frame:
        """The largest face of an encoded image.

        Args:
            content: A JPEG, PNG or WebP file.
            name: What it is called when it shows none.

        Raises:
            ImageRejected: it is no image we can decode.
            NoFace: it shows none.
            ModelsError: the detector failed.
        """
        image = decode_image(content, max_pixels=self._max_pixels).pixels
        faces = self._detection.run(image, AnalyzeOptions(max_faces=1)).faces
        if not faces:
            raise NoFace(f"No face was found in {name}. Send one that shows it.")
        return Frame(image=image, face=faces[0])
