"""Every name that users and documents know is answered: by models, or by the reason why by none."""

import pytest

from models.catalogue import load_catalogue
from models.errors import NoWeightsKnown
from models.spec import PinnedFile, Task, UnpinnedFile
from models.weights.records import how_to_import

CATALOGUE = load_catalogue()

#: Names of engines and files in documents -> what they stand for, best first.
NAMES: dict[str, tuple[Task, list[str]]] = {
    "yolo_v10n": ("detection", ["yolov10n_face"]),
    "yolo_v5s": ("detection", ["yolov5s_face"]),
    "mediapipe": ("detection", ["blazeface_full"]),
    "insightface": ("detection", ["scrfd_10g"]),
    "adaface": ("recognition", ["adaface_ir101"]),
    "arcface": ("recognition", ["arcface_r100"]),
    "facenet": ("recognition", ["facenet_vggface2"]),
    "minifasnet": ("anti_spoofing", ["minifasnet_v2"]),
    "silent_face": ("anti_spoofing", ["minifasnet_v1se"]),
    "dlib": ("age", ["cydral_age"]),
    "yolov10n-face.onnx": ("detection", ["yolov10n_face"]),
    "yolov5s-face.onnx": ("detection", ["yolov5s_face"]),
    "facenet_vggface2.onnx": ("recognition", ["facenet_vggface2"]),
    "arcface_r100.onnx": ("recognition", ["arcface_r100"]),
    "glintr100.onnx": ("recognition", ["arcface_r100"]),
    "adaface_ir101.onnx": ("recognition", ["adaface_ir101"]),
    "AntiSpoofing_bin_1.5_128.onnx": ("anti_spoofing", ["antispoofing_bin"]),
    "AntiSpoofing_print-replay_1.5_128.onnx": ("anti_spoofing", ["antispoofing_print_replay"]),
    "genderage.onnx": ("age_gender", ["genderage"]),
    "gender-age/genderage.onnx": ("age_gender", ["genderage"]),
    "deepfake-detection/model.onnx": ("deepfake", ["deepfake_vit"]),
}
#: Names behind which nobody has published weights.
EMPTY = (
    "efficientnet_b4",
    "xceptionnet",
    "mobilenet",
    "utkface_multitask",
    "fairface_cnn",
    "agenet_vgg",
)

#: The models that documents list, and what the catalogue must have of them besides.
INVENTORY = (
    "yolov10n_face",
    "yolov5s_face",
    "facenet_vggface2",
    "arcface_r100",
    "adaface_ir101",
    "antispoofing_bin",
    "antispoofing_print_replay",
    "genderage",
    "scrfd_500m",
    "scrfd_2_5g",
    "scrfd_10g",
    "minifasnet_v2",
    "minifasnet_v1se",
    "deepfake_vit",
    "meso4_df",
    "meso_inception_df",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_known_name_stands_for_models_of_its_task_best_first(name: str) -> None:
    task, models = NAMES[name]

    found = [spec.id for spec in CATALOGUE.resolve(name, task)]

    assert found[: len(models)] == models


@pytest.mark.parametrize("name", EMPTY)
def test_a_name_without_published_weights_is_answered_with_the_reason(name: str) -> None:
    with pytest.raises(NoWeightsKnown) as caught:
        CATALOGUE.resolve(name)

    assert str(CATALOGUE.names[name].reason) in str(caught.value)


def test_every_name_of_the_catalogue_resolves_or_says_why_not() -> None:
    for name, choice in CATALOGUE.names.items():
        if choice.models:
            assert [spec.id for spec in CATALOGUE.resolve(name)] == list(choice.models)
        else:
            assert choice.reason, name


@pytest.mark.parametrize("name", INVENTORY)
def test_a_model_of_the_inventory_can_be_had_or_says_how(name: str) -> None:
    spec = CATALOGUE.model(name)

    assert spec.licence
    if isinstance(spec.file, UnpinnedFile):
        assert spec.file.why
        assert spec.file.urls
        assert how_to_import(spec) == f"facesocial models import FILE --as {name}"
    else:
        assert isinstance(spec.file, PinnedFile)
        if not spec.file.sources:
            assert how_to_import(spec) == "facesocial models import FILE"


@pytest.mark.parametrize("name", ["scrfd_10g", "arcface_r100", "genderage", "antispoofing_bin"])
def test_weights_for_research_only_are_marked_as_such(name: str) -> None:
    assert not CATALOGUE.model(name).commercial_use
