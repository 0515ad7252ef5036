"""Labelled pairs through a running gateway, beside the same pairs in this process."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client import Client, JobFailed, Problem
from models.errors import EvaluationDataMissing
from models.evaluation.labels import Tick
from models.evaluation.report import Figure, Report
from models.evaluation.scores import wilson
from models.evaluation.verification import Pair
from models.evaluation.verification_report import pair_figures
from models.spec import VerificationThresholds

PROTOCOL = (
    "Each pair was sent to /api/v1/face/verify (the face nearest the middle counts) and compared in"
    " this process as well."
)
#: A pair one of whose photos shows no face: nothing matches it.
NO_FACE = "no_face_detected"
#: Longest time for one pair, seconds.
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedPair:
    """What a gateway answered to a pair."""

    #: Cosine; -1 where a face was not found.
    similarity: float
    is_match: bool
    #: Similarity by false accept rate, as the answer has them; empty where a face was not found.
    thresholds: dict[float, float]
    #: What made the embeddings.
    model: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """Where pairs are sent, and what is asked of them."""

    client: Client
    #: Recognition model by name.
    model: str
    #: False accept rate that decides.
    far: float
    #: Pairs under way at a time.
    at_once: int


def serve_pairs(
    sending: Sending, data: Path, pairs: Sequence[Pair], *, tick: Tick
) -> list[ServedPair]:
    """Send pairs to a gateway, several at once; the answers are in their order.

    Raises:
        ClientError: the gateway can't be reached, refuses, or a job failed.
    """
    client = sending.client
    options: dict[str, Any] = {"face": "center", "far": sending.far, "model": sending.model}

    def served(pair: Pair) -> ServedPair:
        photos = (data / "images" / pair.file_a, data / "images" / pair.file_b)
        try:
            job = client.verify(*photos, wait_seconds=25, **options)
            found = client.wait(job, timeout_seconds=_PATIENCE_SECONDS).result
        except (JobFailed, Problem) as error:
            if error.code != NO_FACE:
                raise
            return ServedPair(similarity=-1.0, is_match=False, thresholds={}, model="")
        assert found is not None  # noqa: S101 - it succeeded
        return ServedPair(
            similarity=found["similarity"],
            is_match=found["is_match"],
            thresholds={point["far"]: point["similarity"] for point in found["thresholds"]},
            model=found["model"],
        )

    answers: list[ServedPair] = []
    with ThreadPoolExecutor(sending.at_once, thread_name_prefix="pairs") as pool:
        for answer in pool.map(served, pairs):
            answers.append(answer)
            tick(len(answers), len(pairs))
    return answers


def compare_served(
    served: Sequence[ServedPair],
    cosines: NDArray[np.float32],
    pairs: Sequence[Pair],
    *,
    measured: VerificationThresholds,
    far: float,
    names: tuple[str, str],
) -> Report:
    """How the gateway's answers stand to this process's own.

    Args:
        served: Answers, in the order of the pairs.
        cosines: (P,) of this process.
        pairs: The pairs.
        measured: The catalogue's thresholds of the model.
        far: The rate that was asked for.
        names: Of the model and of the data.

    Raises:
        EvaluationDataMissing: the gateway answered by another model.
    """
    model, data = names
    others = {one.model for one in served} - {model, ""}
    if others:
        raise EvaluationDataMissing(
            f"The gateway answers by {', '.join(sorted(others))}, not by {model}."
        )
    similarities = np.array([one.similarity for one in served])
    catalogue = {point.far: point.similarity for point in measured.points}
    matches = np.array([one.is_match for one in served])
    return Report(
        task="served",
        model=model,
        data=data,
        protocol=PROTOCOL,
        counts={"pairs": len(pairs), "faces not found": int((similarities == -1).sum())},
        figures=(
            Figure(
                name="largest difference of a similarity",
                value=float(np.abs(similarities - cosines).max()),
                unit="cosine",
            ),
            _count("answers that differ", matches != (cosines >= np.float32(catalogue[far]))),
            _count(
                "answers with other thresholds than the catalogue's",
                np.array([one.thresholds not in ({}, catalogue) for one in served]),
            ),
        ),
        groups={
            "over HTTP": (
                *pair_figures(similarities.astype(np.float32), pairs),
                *_rates(similarities, pairs, _told(served)),
            ),
            "in this process": (*pair_figures(cosines, pairs), *_rates(cosines, pairs, catalogue)),
        },
    )


def _told(served: Sequence[ServedPair]) -> dict[float, float]:
    """The thresholds of the answers; those of the first that has any."""
    return next((one.thresholds for one in served if one.thresholds), {})


def _rates(
    similarities: NDArray[np.floating], pairs: Sequence[Pair], thresholds: dict[float, float]
) -> list[Figure]:
    """Of the pairs themselves the share that reaches each threshold, by kind."""
    same = np.array([pair.same for pair in pairs])
    figures: list[Figure] = []
    for far, threshold in sorted(thresholds.items(), reverse=True):
        rate = f"{far:.0e}".replace("e-0", "e-")
        figures.append(Figure(name=f"threshold@FAR={rate}", value=threshold, unit="cosine"))
        for name, kind in ((f"TAR@FAR={rate}", same), (f"FAR met@FAR={rate}", ~same)):
            accepted = int((similarities[kind] >= threshold).sum())
            low, high = wilson(accepted, int(kind.sum()))
            value = accepted / int(kind.sum())
            figures.append(Figure(name=name, value=value, unit="share", low=low, high=high))
    return figures


def _count(name: str, wrong: NDArray[np.bool_]) -> Figure:
    return Figure(name=name, value=float(wrong.sum()), unit="count")
