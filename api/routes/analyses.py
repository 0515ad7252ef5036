"""Analyses: files in, a job out. Every endpoint is one form of the same thing."""

from flask import Blueprint, Response

from api.endpoint import endpoint
from api.inputs.analyses import (
    ANALYZE,
    ANTI_SPOOF,
    COMPARE,
    DEEPFAKE,
    DEMOGRAPHICS,
    DETECT,
    LIVENESS,
    RECOGNIZE,
    VIDEO,
)
from api.photo_jobs import photo_endpoint, serve

blueprint = Blueprint("analyses", __name__)


@blueprint.post("/api/v1/face/analyze")
@endpoint(photo_endpoint(ANALYZE, "Analyze", more_problems=("unknown_analysis",)))
def analyze() -> Response:
    """Analyse a photo: any of five analyses of every face.

    Answered 202 with a job; with `?wait=` or `Prefer: wait=` 200 with the ended job, if it ends in
    that time.
    """
    return serve(ANALYZE)


@blueprint.post("/api/v1/face/detect")
@blueprint.post("/api/v1/face-detection/detect")
@endpoint(photo_endpoint(DETECT, "Detect"))
def detect() -> Response:
    """Find the faces of a photo, with landmarks and quality."""
    return serve(DETECT)


@blueprint.post("/api/v1/face/recognize")
@blueprint.post("/api/v1/face-recognition/extract-embedding")
@endpoint(photo_endpoint(RECOGNIZE, "Recognize"))
def recognize() -> Response:
    """Describe the faces of a photo by embeddings, and name them by a collection of known people.

    They are named where `database_id` says by which; nobody is named below its threshold.
    """
    return serve(RECOGNIZE)


@blueprint.post("/api/v1/face/verify")
@endpoint(photo_endpoint(COMPARE, "Verify"))
def verify() -> Response:
    """Tell whether the largest faces of two photos are one person's."""
    return serve(COMPARE)


@blueprint.post("/api/v1/face/anti-spoof")
@blueprint.post("/api/v1/face/antispoof")
@blueprint.post("/api/v1/anti-spoofing/detect-liveness")
@endpoint(photo_endpoint(ANTI_SPOOF, "AntiSpoof"))
def anti_spoof() -> Response:
    """Tell of each face of a photo whether it is a person or a picture of one."""
    return serve(ANTI_SPOOF)


@blueprint.post("/api/v1/face/liveness")
@blueprint.post("/api/v1/anti-spoofing/detect-liveness-sequence")
@endpoint(photo_endpoint(LIVENESS, "Liveness"))
def liveness() -> Response:
    """Tell from two to five photos of one face, oldest first, whether it is live."""
    return serve(LIVENESS)


@blueprint.post("/api/v1/face/deepfake")
@blueprint.post("/api/v1/deepfake-detection/detect-deepfake")
@endpoint(photo_endpoint(DEEPFAKE, "Deepfake"))
def deepfake() -> Response:
    """Tell of each face of a photo, and of the photo, whether it was manipulated."""
    return serve(DEEPFAKE)


@blueprint.post("/api/v1/face/demographics")
@blueprint.post("/api/v1/gender-age/detect")
@endpoint(photo_endpoint(DEMOGRAPHICS, "Demographics"))
def demographics() -> Response:
    """Estimate how old each face of a photo looks, and which gender it reads as."""
    return serve(DEMOGRAPHICS)


@blueprint.post("/api/v1/face/analyze-video")
@blueprint.post("/api/v1/video/deepfake")
@endpoint(photo_endpoint(VIDEO, "AnalyzeVideo"))
def analyze_video() -> Response:
    """Follow the people in a video and tell whether any of them was manipulated."""
    return serve(VIDEO)
