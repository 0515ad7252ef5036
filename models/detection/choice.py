"""Which detection engine a request gets: names, what is installed and what is loaded in, an id out.

Without a wish ("auto") the order is, with the reasons:

- Accuracy: SCRFD-10G, YOLOv5s-face, YOLOv5n-face, SCRFD-2.5G, then the defaults of the catalogue.
  That is the order of the mean of their publishers' average precision on the three subsets of
  WIDER FACE: 90.7, 90.0, 88.6 and 87.7 % (InsightFace's and deepcam-cn's tables); YuNet's is 83.3
  (OpenCV zoo) and SCRFD-500M's 83.0, so that one is no step up from the default.
- Speed: YOLOv10n, else YOLOv5s, but only when it is loaded on a device already: loading one for a
  single request costs more than it saves, and on a CPU even YOLOv5n-0.5, with a tenth of YOLOv5s's
  operations, takes three times as long as YuNet. Else the catalogue's default, YuNet.
- Landmarks: an engine that gives none is left out unless a model that completes them is installed.
  Where one is, its points are as good: on 1,880 pairs of LFW, SFace decides 99.6 % right both on
  YuNet's points and on completed ones in YuNet's boxes (see `models.landmarks`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from models.catalogue import Catalogue
from models.errors import EngineUnavailable, UnknownModel
from models.spec import Family, UnpinnedFile
from models.weights.records import how_to_import

#: The name that leaves the choice to us.
AUTO = "auto"
#: Best first; see above.
BY_ACCURACY = ("scrfd_10g", "yolov5s_face", "yolov5n_face", "scrfd_2_5g")
#: Fastest first; used only when loaded.
BY_SPEED = ("yolov10n_face", "yolov5s_face")
#: Families whose boxes come without the five landmarks.
WITHOUT_LANDMARKS: frozenset[Family] = frozenset({"blazeface", "ultraface", "yolov10_face"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    """What the faces are wanted for."""

    #: Whether they will be aligned, for recognition or age.
    landmarks: bool
    priority: Literal["speed", "accuracy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineChoice:
    """The engine a request gets."""

    model_id: str
    #: What was asked for, as it was written.
    requested: str
    #: Why this one, for people.
    reason: str


def choose_engine(
    requested: str,
    *,
    installed: Collection[str],
    loaded: Collection[str],
    needs: Needs,
    catalogue: Catalogue,
) -> EngineChoice:
    """Choose a detection model.

    Args:
        requested: "auto", a model's id or alias, or a name of the catalogue ("insightface").
        installed: Ids of the models whose weights are in the store.
        loaded: Ids of those that are loaded on a device.
        needs: What the faces are wanted for; counts for "auto" only.
        catalogue: All models, names and defaults.

    Raises:
        EngineUnavailable: nothing that was asked for is installed; the message names what is
            missing and how to get it.
        UnknownModel: there is no such name, it finds no faces, or there are no weights for it.
    """
    if requested != AUTO:
        return _asked_for(requested, installed, catalogue)
    completes = any(model_id in installed for model_id in catalogue.defaults.get("landmarks", ()))
    for model_id, reason in _preferred(loaded, needs, catalogue):
        if model_id not in installed:
            continue
        if completes or not needs.landmarks or _has_landmarks(model_id, catalogue):
            return EngineChoice(model_id=model_id, requested=requested, reason=reason)
    raise EngineUnavailable(
        "No detection model that serves this request is installed. Run `facesocial models pull"
        f" {catalogue.for_task('detection').id}`."
    )


def _asked_for(requested: str, installed: Collection[str], catalogue: Catalogue) -> EngineChoice:
    specs = catalogue.resolve(requested)
    fitting = [spec for spec in specs if spec.task == "detection"]
    if not fitting:
        raise UnknownModel(f"'{requested}' finds no faces: it does {specs[0].task}.")
    for place, spec in enumerate(fitting, start=1):
        if spec.id in installed:
            reason = "asked for"
            if len(fitting) > 1:
                reason = f"first installed of those for '{requested}': {place} of {len(fitting)}"
            return EngineChoice(model_id=spec.id, requested=requested, reason=reason)
    missing = ", ".join(spec.id for spec in fitting)
    best = fitting[0]
    command = f"facesocial models pull {best.id}"
    if isinstance(best.file, UnpinnedFile):
        command = how_to_import(best)
    raise EngineUnavailable(
        f"'{requested}' is not installed: the weights of {missing} are missing. Run `{command}`."
    )


def _preferred(
    loaded: Collection[str], needs: Needs, catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    """Ids in the order of preference, each with its reason; an id may come twice."""
    if needs.priority == "accuracy":
        for model_id in BY_ACCURACY:
            yield model_id, "most accurate of the installed engines"
    else:
        for model_id in BY_SPEED:
            if model_id in loaded:
                yield model_id, "fastest of the engines that are loaded"
    for model_id in catalogue.defaults.get("detection", ()):
        yield model_id, "default engine"
    for spec in catalogue.models.values():
        if spec.task == "detection":
            yield spec.id, "the default engine is not installed"


def _has_landmarks(model_id: str, catalogue: Catalogue) -> bool:
    return catalogue.models[model_id].family not in WITHOUT_LANDMARKS
