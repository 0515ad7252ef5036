"""From a loaded network to the detector of its family."""

from collections.abc import Callable, Mapping
from typing import Literal

from models.detection.blazeface import BlazeFace
from models.detection.centerface import CenterFace
from models.detection.choice import WITHOUT_LANDMARKS
from models.detection.mtcnn import MTCNN
from models.detection.port import FaceDetector
from models.detection.scrfd import SCRFD
from models.detection.ultraface import UltraFace
from models.detection.yolov5_face import YOLOv5Face, columns_of
from models.detection.yolov10_face import YOLOv10Face
from models.detection.yunet import YuNet
from models.errors import CatalogueError
from models.network import Network
from models.spec import Family, ModelSpec

#: "none": a detector gives no landmarks. "upright": they do not turn with a head that leans.
Landmarks = Literal["none", "upright", "follow_tilt"]

FAMILIES: Mapping[Family, Callable[[Network], FaceDetector]] = {
    "yunet": YuNet,
    "centerface": CenterFace,
    "mtcnn": MTCNN,
    "blazeface": BlazeFace,
    "ultraface": UltraFace,
    "scrfd": SCRFD,
    "yolov5_face": YOLOv5Face,
    "yolov10_face": YOLOv10Face,
}
#: Families whose landmarks lean too little; see `FaceDetector.landmarks_follow_tilt`.
UPRIGHT_LANDMARKS: frozenset[Family] = frozenset({"yunet"})


def landmarks_of(spec: ModelSpec) -> Landmarks:
    """What landmarks a detection model's faces have; known without loading it.

    Raises:
        CatalogueError: the entry of a family with `columns` says too little of them.
    """
    if spec.family in WITHOUT_LANDMARKS:
        return "none"
    if spec.family == "yolov5_face" and not columns_of(spec).points:
        return "none"
    return "upright" if spec.family in UPRIGHT_LANDMARKS else "follow_tilt"


def open_detector(network: Network) -> FaceDetector:
    """Build the detector of a loaded network.

    Raises:
        CatalogueError: its family finds no faces.
        ContractMismatch: its outputs are not those of its family.
    """
    build = FAMILIES.get(network.spec.family)
    if build is None:
        raise CatalogueError(
            f"{network.spec.id} is of the family '{network.spec.family}', which finds no faces."
            f" The families that do: {', '.join(sorted(FAMILIES))}."
        )
    return build(network)
