"""What an evaluation says: figures with intervals, curves, and what they were measured on."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One number."""

    #: The field's standard name: "accuracy", "TAR@FAR=1e-3", "APCER", "AUC", "MAE".
    name: str
    value: float
    #: "share" (0 to 1), "years", "cosine", "deviations" (standard deviations) or "count".
    unit: str
    #: 95 % interval; None when none was computed.
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One line of a plot; x and y have the same length."""

    #: "roc", "det", "identification", "scores", "thresholds", "calibration" or "precision_recall":
    #: curves of one kind share a plot.
    kind: str
    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    #: Whether these are single points, with nothing between them.
    is_points: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The result of one protocol for one model on one data set."""

    #: "detection", "verification", "served", "identification", "calibration", "liveness",
    #: "deepfake" or "demographics".
    task: str
    #: Id of the model, or a name such as "ensemble".
    model: str
    #: Name of the data set's folder.
    data: str
    #: What was done, in one sentence.
    protocol: str
    #: How many of what: images, pairs, faces not found.
    counts: dict[str, int]
    figures: tuple[Figure, ...]
    curves: tuple[Curve, ...] = ()
    #: What a reader must know to read the figures right.
    notes: tuple[str, ...] = ()
    #: The same figures per group (subject, age band, data subset).
    groups: dict[str, tuple[Figure, ...]] = field(default_factory=dict)
