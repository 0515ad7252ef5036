"""Plots of reports' curves as PNG files; drawn without Matplotlib's global state."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from models.evaluation.report import Curve, Report

#: Size of a plot in inches, and its pixels per inch.
SIZE_INCHES = (6.0, 4.5)
DPI = 120
#: Curves of fewer points show each of them.
_FEW_POINTS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How curves of one kind are drawn."""

    title: str
    x: str
    y: str
    #: Draws what the curves are read against, and sets the scales.
    prepare: Callable[[Axes], object]


def _diagonal(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1.01))


def _unit(axes: Axes) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1.01))


LOOKS: Mapping[str, Look] = {
    "roc": Look(title="ROC", x="false positive rate", y="true positive rate", prepare=_diagonal),
    "det": Look(
        title="DET",
        x="false positive rate",
        y="false negative rate",
        prepare=lambda axes: axes.set(xscale="log"),
    ),
    "calibration": Look(
        title="Calibration", x="predicted probability", y="observed share", prepare=_diagonal
    ),
    "identification": Look(
        title="Identification",
        x="FPIR: strangers who are named",
        y="FNIR: known people who are not",
        prepare=lambda axes: axes.set(xscale="log", ylim=(0, 0.5)),
    ),
    "scores": Look(
        title="Similarities",
        x="cosine",
        y="share of pairs",
        prepare=lambda axes: axes.set(yscale="log"),
    ),
    "thresholds": Look(
        title="Thresholds", x="cosine", y="rate", prepare=lambda axes: axes.set(yscale="log")
    ),
    "precision_recall": Look(
        title="Precision and recall", x="recall", y="precision", prepare=_unit
    ),
}


def write_plots(reports: Sequence[Report], folder: Path) -> list[Path]:
    """Draw the curves of reports of one task, those of one kind in one plot.

    Args:
        reports: Of one task.
        folder: Made when it is not there; plots of the same name in it are replaced.

    Returns:
        The files, `<task>_<models>_<kind>.png`.

    Raises:
        KeyError: a curve is of a kind that LOOKS does not have.
        OSError: the disk refused.
    """
    curves = [curve for report in reports for curve in report.curves]
    if not curves:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    stem = "_".join([reports[0].task, *(report.model for report in reports)])
    name = re.sub(r"[^A-Za-z0-9._+-]", "-", stem)
    paths: list[Path] = []
    for kind in dict.fromkeys(curve.kind for curve in curves):
        path = folder / f"{name}_{kind}.png"
        data = ", ".join(dict.fromkeys(report.data for report in reports))
        _draw([curve for curve in curves if curve.kind == kind], LOOKS[kind], data, path)
        paths.append(path)
    return paths


def _draw(curves: Sequence[Curve], look: Look, data: str, path: Path) -> None:
    canvas = Canvas(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.add_subplot()
    look.prepare(axes)
    for curve in curves:
        if curve.is_points:
            axes.plot(curve.x, curve.y, marker="o", linestyle="", label=curve.name)
            continue
        marker = "." if len(curve.x) < _FEW_POINTS else ""
        axes.plot(curve.x, curve.y, marker=marker, label=curve.name)
    axes.set(title=f"{look.title}: {data}", xlabel=look.x, ylabel=look.y)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(loc="best")
    canvas.savefig(path, format="png")
