"""From a loaded network to the detector of its family."""

from collections.abc import Callable, Mapping

from models.detection.blazeface import BlazeFace
from models.detection.centerface import CenterFace
from models.detection.mtcnn import MTCNN
from models.detection.port import FaceDetector
from models.detection.scrfd import SCRFD
from models.detection.ultraface import UltraFace
from models.detection.yolov5_face import YOLOv5Face
from models.detection.yolov10_face import YOLOv10Face
from models.detection.yunet import YuNet
from models.errors import CatalogueError
from models.network import Network
from models.spec import Family

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
