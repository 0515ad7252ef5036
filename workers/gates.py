"""Whether a face is what was required of it: what can't be judged is not. Pure."""

from collections.abc import Iterator, Sequence

from workers.answers.analysis import AntiSpoofingAnswer, DeepfakeAnswer
from workers.contract import Analysis, Gate

#: Gate -> the analysis that judges it.
JUDGED_BY: dict[Gate, Analysis] = {"live": "anti_spoofing", "authentic": "deepfake"}


def gate_analyses(require: Sequence[Gate]) -> tuple[Analysis, ...]:
    """The analyses that gates take, each once."""
    return tuple(dict.fromkeys(JUDGED_BY[gate] for gate in require))


def gate_reasons(
    require: Sequence[Gate],
    *,
    liveness: AntiSpoofingAnswer | None = None,
    deepfake: DeepfakeAnswer | None = None,
) -> tuple[str, ...]:
    """Why a face may not be named or enrolled; empty when it may.

    Args:
        require: What it must be.
        liveness: Whether it is live; None: that was not judged, for whatever reason.
        deepfake: Whether it is authentic; None likewise.
    """
    return tuple(_reasons(require, liveness, deepfake))


def _reasons(
    require: Sequence[Gate],
    liveness: AntiSpoofingAnswer | None,
    deepfake: DeepfakeAnswer | None,
) -> Iterator[str]:
    if "live" in require:
        yield from _not_live(liveness)
    if "authentic" in require:
        yield from _not_authentic(None if deepfake is None else deepfake.verdict)


def _not_live(answer: AntiSpoofingAnswer | None) -> Iterator[str]:
    if answer is None:
        yield "liveness_not_judged"
    elif answer.outcome == "spoof":
        yield "spoof_suspected"
    elif answer.outcome != "live":
        yield "liveness_uncertain"


def _not_authentic(verdict: str | None) -> Iterator[str]:
    if verdict is None:
        yield "authenticity_not_judged"
    elif verdict == "manipulated":
        yield "manipulated_suspected"
    elif verdict != "authentic":
        yield "authenticity_uncertain"


def track_reasons(require: Sequence[Gate], verdict: str) -> tuple[str, ...]:
    """Why a person of a video may not be named; a video is not judged for liveness.

    Args:
        require: What the person must be.
        verdict: On the person over the whole video: "authentic", "manipulated", "inconclusive".
    """
    live = ("liveness_not_judged",) if "live" in require else ()
    return (*live, *(_not_authentic(verdict) if "authentic" in require else ()))
