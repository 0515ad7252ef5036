"""Which jobs may share a batch: those whose options mean the same models, run alike. Pure."""

import hashlib
import json

from workers.contract import AnalyzeOptions
from workers.jobs.options import JobOptions

#: Raised whenever keys are made otherwise, so that old and new ones never meet.
VERSION = 1
#: Hexadecimal digits of a key: enough that two options in use don't share one by chance (2^-48).
DIGITS = 12
#: Analysis -> the options that decide how it is done. What only sorts or shows what was found
#: (`max_faces`, `min_confidence`, `min_face_pixels`, `return_embeddings`) may differ in a batch,
#: and so may the priority, which the queue has decided on, and `identify`: faces of a batch are
#: made by the same models, and searched for by collection.
DECIDED_BY: dict[str, tuple[str, ...]] = {
    "detection": ("engine", "detection_priority", "tiles"),
    "recognition": ("recognition_model",),
    "anti_spoofing": ("anti_spoofing_model",),
    "deepfake": ("deepfake_model",),
    "demographics": ("demographics_model",),
}


def batch_key(options: JobOptions) -> str:
    """The same for options that lead through the same stages with the same models.

    Returns:
        "1-" and DIGITS hexadecimal digits: stable between processes and versions. "" for jobs
        other than photos, which are claimed alone.
    """
    if not isinstance(options, AnalyzeOptions):
        return ""
    asked = sorted({*options.analyses, "detection"})
    decided = {name: getattr(options, name) for analysis in asked for name in DECIDED_BY[analysis]}
    text = json.dumps([asked, decided], sort_keys=True)
    return f"{VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"
