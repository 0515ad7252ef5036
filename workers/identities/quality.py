"""How strict enrolment is about a photo. A face that is hard to recognise makes everybody similar.

The reasons and their limits are those of every face's quality (`models.quality`, which has their
sources; docs/explanation/quality.md). What a policy does not refuse for, it warns of:

| policy | refuses |
| --- | --- |
| off | nothing |
| standard | face_too_small (40 pixels), blurred (sharpness 100), extreme_pose (45), not_upright |
| strict | every reason; faces below STRICT_PIXELS; heads turned by more than STRICT_DEGREES |

Why the standard policy goes by the sharpness and not by the score: of 314 genuine pairs of LFW, one
photo of each blurred by 1, 2, 3, 4 and 6 pixels, SFace accepts 65.5 % at a false accept rate of
1e-3 where that photo is `blurred` (n = 1174) and 96.7 % where it is not (n = 396); where it is not,
but its score is `low_quality`, 97.8 % (n = 137). 11.7 % of LFW's own photos have a low score, and
pairs with one are accepted as often as all are (98.5 %, n = 198).
"""

from workers.answers.analysis import QualityAnswer
from workers.identities.records import QualityPolicy

#: Strict: longer side of the box from which shrinking a photo costs SFace no genuine pair on 260
#: pairs of LFW (98.5 % accepted at 60 pixels as at full size; see models.quality.SMALL_PIXELS).
STRICT_PIXELS = 60.0
#: Strict: yaw or pitch up to which the quality score takes nothing off for the pose
#: (models.quality.TURNED_DEGREES).
STRICT_DEGREES = 30.0
#: What the standard policy refuses for.
_STANDARD = frozenset({"face_too_small", "blurred", "extreme_pose", "not_upright"})


def refusals(quality: QualityAnswer, policy: QualityPolicy) -> tuple[str, ...]:
    """Why a face is too poor to be enrolled; empty when it is not.

    Args:
        quality: Of the face.
        policy: The collection's.
    """
    if policy == "off":
        return ()
    if policy == "standard":
        return tuple(reason for reason in quality.reasons if reason in _STANDARD)
    pose = quality.pose_degrees
    found = dict.fromkeys(quality.reasons)
    if quality.size_pixels < STRICT_PIXELS:
        found["face_too_small"] = None
    if max(abs(pose.yaw), abs(pose.pitch)) > STRICT_DEGREES:
        found["extreme_pose"] = None
    return tuple(found)
