"""A calibration as curves, for plots."""

import numpy as np

from models.evaluation.report import Curve, Report
from workers.identities.calibration_answer import CalibrateAnswer


def calibration_report(answer: CalibrateAnswer) -> Report:
    """The similarities of both kinds of pairs, and the thresholds among them."""
    return Report(
        task="calibration",
        model=answer.model or "none",
        data=answer.collection,
        protocol="Every pair of the collection's faces.",
        counts={"faces": answer.faces, "persons": answer.persons},
        figures=(),
        curves=(*_scores(answer), *_points(answer)),
    )


def _scores(answer: CalibrateAnswer) -> list[Curve]:
    if answer.scores is None:
        return []
    curves: list[Curve] = []
    kinds = {"pairs of one person": answer.scores.genuine, "of two": answer.scores.impostor}
    for name, counts in kinds.items():
        step = 2 / len(counts)
        middles = np.arange(-1 + step / 2, 1, step)
        total = sum(counts)
        # A logarithmic scale has no nought.
        shown = [(float(x), n / total) for x, n in zip(middles, counts, strict=True) if n]
        if shown:
            x, y = zip(*shown, strict=True)
            curves.append(Curve(kind="scores", name=name, x=x, y=y))
    return curves


def _points(answer: CalibrateAnswer) -> list[Curve]:
    curves: list[Curve] = []
    if answer.points:
        curves.append(
            Curve(
                kind="thresholds",
                name="two faces compared: false accept rate",
                x=tuple(point.similarity for point in answer.points),
                y=tuple(point.far for point in answer.points),
            )
        )
    if answer.searches:
        curves.append(
            Curve(
                kind="thresholds",
                name="the collection searched: strangers named",
                x=tuple(search.similarity for search in answer.searches),
                y=tuple(search.fpir for search in answer.searches),
            )
        )
    return curves
