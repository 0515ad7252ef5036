"""What every face has, whatever was asked for: box, landmarks, quality."""

from collections.abc import Mapping
from typing import Any

from models.quality import assess
from models.results import LANDMARK_NAMES, Box, DetectedFace, Image
from workers.answers.analysis import BoxAnswer, FaceAnswer, PointAnswer, PoseAnswer, QualityAnswer


def quality_answer(image: Image, face: DetectedFace) -> QualityAnswer:
    """How well a face can be analysed."""
    quality = assess(image, face)
    return QualityAnswer(
        score=round(quality.score, 4),
        sharpness=round(quality.sharpness, 1),
        brightness=round(quality.brightness, 1),
        size_pixels=round(quality.size_pixels, 1),
        pose_degrees=PoseAnswer(
            yaw=round(quality.yaw_degrees, 1),
            pitch=round(quality.pitch_degrees, 1),
            roll=round(quality.roll_degrees, 1),
        ),
        reasons=quality.reasons,
    )


def face_answer(face: DetectedFace, pixels: Image, more: Mapping[str, Any]) -> FaceAnswer:
    """A face and the members that its analyses gave."""
    height, width = pixels.shape[:2]
    box = clip_box(face.box, width=width, height=height)
    return FaceAnswer(
        bbox=box_answer(face.box, pixels),
        bbox_normalized=BoxAnswer(
            x=round(box.x / width, 6),
            y=round(box.y / height, 6),
            width=round(box.width / width, 6),
            height=round(box.height / height, 6),
        ),
        confidence=round(face.confidence, 4),
        landmarks={
            name: PointAnswer(x=round(float(x), 2), y=round(float(y), 2))
            for name, (x, y) in zip(LANDMARK_NAMES, face.landmarks, strict=True)
        },
        **more,
    )


def box_answer(box: Box, pixels: Image) -> BoxAnswer:
    """The part of a box inside an image, as users see it."""
    height, width = pixels.shape[:2]
    inside = clip_box(box, width=width, height=height)
    return BoxAnswer(
        x=round(inside.x, 2),
        y=round(inside.y, 2),
        width=round(inside.width, 2),
        height=round(inside.height, 2),
    )


def clip_box(box: Box, *, width: int, height: int) -> Box:
    """The part of a box inside an image of that size, pixels."""
    left, top = min(max(box.x, 0.0), width), min(max(box.y, 0.0), height)
    right = min(max(box.x + box.width, left), width)
    bottom = min(max(box.y + box.height, top), height)
    return Box(x=left, y=top, width=right - left, height=bottom - top)
