"""What each endpoint for analyses takes, option by option of the requirements (R-04b-2 to 9).

An option they name is taken under their name where we do what it asks for; where we can't, it is
refused with the reason.
"""

from collections.abc import Mapping
from typing import Any

from api.inputs.forms import Fixed, Form, Slot
from api.inputs.naming import DatabaseMembers, NamingMembers
from workers.contract import AnalyzeOptions
from workers.jobs.options import (
    FEWEST_FRAMES,
    MOST_FRAMES,
    CompareOptions,
    LivenessOptions,
    VideoOptions,
)

_PHOTO = (Slot(name="image"),)

_LANDMARKS = Fixed(accepted=("true",), reason="Landmarks are part of every answer.")
_DETAILED = Fixed(accepted=("true",), reason="Every answer has everything that was found.")
_MEASURED = Fixed(
    accepted=(),
    reason="Verdicts rest on measured thresholds, which the answer tells beside the score.",
)
#: Asked for by members of its own: see `api.inputs.naming`.
_UNNAMED: Mapping[str, Any] = {"identify": None}
#: What every endpoint for one photo knows by other names.
_FINDING = {"confidence_threshold": "min_confidence", "detection_engine": "engine"}

ANALYZE = Form(
    kind="analyze",
    model=AnalyzeOptions,
    slots=_PHOTO,
    implied=_UNNAMED,
    aliases=_FINDING,
    fixed={"return_detailed": _DETAILED, "return_landmarks": _LANDMARKS},
    naming=DatabaseMembers,
)

#: Options of analyses that an endpoint for others does not do.
_MODELS = {
    "recognition": ("recognition_model", "return_embeddings"),
    "anti_spoofing": ("anti_spoofing_model",),
    "deepfake": ("deepfake_model",),
    "demographics": ("demographics_model",),
}


def _photo(
    analysis: str,
    *,
    fixed: dict[str, Fixed],
    aliases: dict[str, str] | None = None,
    defaults: dict[str, object] | None = None,
    naming: type[NamingMembers] | None = None,
) -> Form:
    """An endpoint for one analysis of a photo; detection is always done."""
    unused = [name for other, names in _MODELS.items() if other != analysis for name in names]
    analyses = ("detection",) if analysis == "detection" else ("detection", analysis)
    left_out = {name: AnalyzeOptions.model_fields[name].default for name in unused}
    return Form(
        kind="analyze",
        model=AnalyzeOptions,
        slots=_PHOTO,
        implied={"analyses": analyses, **left_out, **_UNNAMED},
        defaults=defaults or {},
        aliases={**_FINDING, **(aliases or {})},
        fixed=fixed,
        naming=naming,
    )


DETECT = _photo(
    "detection",
    fixed={
        "return_landmarks": _LANDMARKS,
        "return_attributes": Fixed(
            accepted=("false",),
            reason="Age and gender are what /api/v1/face/demographics tells.",
        ),
    },
)
RECOGNIZE = _photo(
    "recognition",
    aliases={"model": "recognition_model"},
    defaults={"return_embeddings": True},
    fixed={},
    naming=DatabaseMembers,
)
ANTI_SPOOF = _photo(
    "anti_spoofing",
    aliases={"model": "anti_spoofing_model"},
    fixed={
        "threshold": _MEASURED,
        "motion_analysis": Fixed(
            accepted=("false",),
            reason="One photo has no motion. Send several to /api/v1/face/liveness.",
        ),
        "depth_check": Fixed(accepted=("false",), reason="No model here measures depth."),
    },
)
DEEPFAKE = _photo(
    "deepfake",
    aliases={"model": "deepfake_model"},
    fixed={
        "threshold": _MEASURED,
        "artifact_analysis": Fixed(
            accepted=("false",), reason="The model gives no account of single artefacts."
        ),
        "temporal_consistency": Fixed(
            accepted=("false",),
            reason="One photo has no course of time. Send a video to /api/v1/face/analyze-video.",
        ),
    },
)
DEMOGRAPHICS = _photo(
    "demographics",
    aliases={"model": "demographics_model"},
    fixed={
        "return_probabilities": Fixed(
            accepted=(),
            reason="Where a model gives probabilities of gender, they are part of the answer; ages "
            "have a range with its confidence and no probabilities by decade.",
        ),
        "age_grouping": Fixed(
            accepted=(), reason="The answer has the age, its range, and one of six age groups."
        ),
    },
)

COMPARE = Form(
    kind="compare",
    model=CompareOptions,
    slots=(
        Slot(name="image1", aliases=("source",)),
        Slot(name="image2", aliases=("target",)),
    ),
    aliases={"recognition_model": "model"},
)
LIVENESS = Form(
    kind="liveness",
    model=LivenessOptions,
    slots=(Slot(name="images", aliases=("images[]",), fewest=FEWEST_FRAMES, most=MOST_FRAMES),),
    aliases={"anti_spoofing_model": "model"},
    fixed={
        "threshold": _MEASURED,
        "motion_analysis": Fixed(accepted=("true",), reason="Motion is part of the verdict."),
        "depth_check": Fixed(accepted=("false",), reason="No model here measures depth."),
    },
)
VIDEO = Form(
    kind="video",
    model=VideoOptions,
    slots=(Slot(name="video"),),
    media="video",
    aliases={"deepfake_model": "model"},
    fixed={
        "frame_sampling": Fixed(
            accepted=("auto",), reason="Frames are spread over the video, with the first of scenes."
        ),
        "tracking": Fixed(accepted=("true",), reason="People are always followed."),
        "output_format": Fixed(
            accepted=("timeline",), reason="The answer has people and a timeline."
        ),
        "analyses": Fixed(
            accepted=("deepfake",),
            reason="Videos are judged for manipulation; for more, send frames as photos.",
        ),
        "threshold": _MEASURED,
    },
    implied=_UNNAMED,
    naming=DatabaseMembers,
)
