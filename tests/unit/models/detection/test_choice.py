"""Which engine a request gets, as a table."""

import pytest

from models.catalogue import load_catalogue
from models.detection.choice import WITHOUT_LANDMARKS, EngineChoice, Needs, choose_engine
from models.detection.families import FAMILIES
from models.errors import EngineUnavailable, UnknownModel

LITE = frozenset({"yunet", "centerface", "ultraface_rfb320", "landmarks68"})
FULL = LITE | {"scrfd_10g", "scrfd_2_5g", "scrfd_500m", "yolov5s_face", "yolov5n_face"}
SPEED = Needs(landmarks=True, priority="speed")
ACCURACY = Needs(landmarks=True, priority="accuracy")


def _choose(
    requested: str,
    installed: frozenset[str],
    loaded: frozenset[str] = frozenset(),
    needs: Needs = SPEED,
) -> EngineChoice:
    return choose_engine(
        requested, installed=installed, loaded=loaded, needs=needs, catalogue=load_catalogue()
    )


@pytest.mark.parametrize(
    ("needs", "installed", "loaded", "chosen"),
    [
        (SPEED, LITE, frozenset(), "yunet"),
        (SPEED, FULL, frozenset(), "yunet"),
        (SPEED, FULL, frozenset({"yolov5s_face"}), "yolov5s_face"),
        (SPEED, FULL | {"yolov10n_face"}, frozenset({"yolov10n_face"}), "yolov10n_face"),
        (
            SPEED,
            FULL | {"yolov10n_face"},
            frozenset({"yolov5s_face", "yolov10n_face"}),
            "yolov10n_face",
        ),
        # Loaded once, but its weights are gone: not to be relied on.
        (SPEED, LITE, frozenset({"yolov5s_face"}), "yunet"),
        (ACCURACY, FULL, frozenset(), "scrfd_10g"),
        (ACCURACY, FULL - {"scrfd_10g"}, frozenset(), "yolov5s_face"),
        (ACCURACY, LITE | {"scrfd_2_5g"}, frozenset(), "scrfd_2_5g"),
        (ACCURACY, LITE | {"scrfd_500m"}, frozenset(), "yunet"),
        (ACCURACY, LITE, frozenset(), "yunet"),
        (SPEED, frozenset({"centerface"}), frozenset(), "centerface"),
        (SPEED, frozenset({"ultraface_rfb320", "landmarks68"}), frozenset(), "ultraface_rfb320"),
        (SPEED, frozenset({"ultraface_rfb320", "scrfd_500m"}), frozenset(), "scrfd_500m"),
        (
            Needs(landmarks=False, priority="speed"),
            frozenset({"ultraface_rfb320"}),
            frozenset(),
            "ultraface_rfb320",
        ),
    ],
)
def test_without_a_wish_the_documented_order_decides(
    needs: Needs, installed: frozenset[str], loaded: frozenset[str], chosen: str
) -> None:
    assert _choose("auto", installed, loaded, needs).model_id == chosen


@pytest.mark.parametrize(
    ("requested", "installed", "chosen"),
    [
        ("yunet", LITE, "yunet"),
        ("face_detection_yunet", LITE, "yunet"),
        ("det_10g", FULL, "scrfd_10g"),
        ("insightface", FULL, "scrfd_10g"),
        ("scrfd", LITE | {"scrfd_500m"}, "scrfd_500m"),
        ("yolo_v5s", FULL, "yolov5s_face"),
    ],
)
def test_a_name_means_its_first_installed_model(
    requested: str, installed: frozenset[str], chosen: str
) -> None:
    choice = _choose(requested, installed, needs=ACCURACY)
    assert (choice.model_id, choice.requested) == (chosen, requested)


def test_the_reason_says_which_of_several_models_a_name_got() -> None:
    assert _choose("scrfd", LITE | {"scrfd_500m"}).reason == (
        "first installed of those for 'scrfd': 3 of 3"
    )


def test_an_engine_that_is_not_installed_is_refused_with_what_to_do() -> None:
    with pytest.raises(EngineUnavailable, match=r"scrfd_10g, scrfd_2_5g, scrfd_500m") as caught:
        _choose("insightface", LITE)
    assert "facesocial models pull scrfd_10g" in str(caught.value)


def test_an_engine_that_can_only_be_imported_is_refused_with_that_command() -> None:
    with pytest.raises(EngineUnavailable, match="facesocial models import FILE --as yolov10n_face"):
        _choose("yolov10n_face", LITE)


def test_without_any_detector_the_default_one_is_to_be_pulled() -> None:
    with pytest.raises(EngineUnavailable, match="facesocial models pull yunet"):
        _choose("auto", frozenset({"landmarks68"}))


def test_an_engine_without_landmarks_is_no_choice_where_nothing_completes_them() -> None:
    with pytest.raises(EngineUnavailable):
        _choose("auto", frozenset({"ultraface_rfb320"}))


def test_a_model_of_another_task_is_no_engine() -> None:
    with pytest.raises(UnknownModel, match="finds no faces"):
        _choose("sface", LITE | {"sface"})


def test_a_name_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownModel, match="quickface"):
        _choose("quickface", LITE)


def test_the_families_said_to_give_no_landmarks_give_none() -> None:
    # YOLOv5-face's depends on the file: its landmarks are columns that an entry may lack.
    fixed = {name: build for name, build in FAMILIES.items() if name != "yolov5_face"}
    found = {name for name, build in fixed.items() if not getattr(build, "has_landmarks")}  # noqa: B009 - the table's type promises less
    assert found == WITHOUT_LANDMARKS
