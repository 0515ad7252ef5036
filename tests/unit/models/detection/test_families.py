"""Every detection model of the catalogue has a family that builds its detector."""

import pytest

from models.catalogue import load_catalogue
from models.detection.families import FAMILIES, landmarks_of, open_detector
from models.errors import CatalogueError
from models.network import Network
from models.testing import ScriptedSession

_CATALOGUE = load_catalogue()
_DETECTORS = sorted(spec.id for spec in _CATALOGUE.models.values() if spec.task == "detection")


def _network(model_id: str) -> Network:
    spec = _CATALOGUE.models[model_id]
    parts = {part: ScriptedSession.of(_CATALOGUE.models[part], {}) for part in spec.parts}
    return Network(spec=spec, session=ScriptedSession.of(spec, {}), parts=parts)


@pytest.mark.parametrize("model_id", _DETECTORS)
def test_a_detector_of_the_catalogue_is_built_by_its_family(model_id: str) -> None:
    detector = open_detector(_network(model_id))
    assert type(detector) is FAMILIES[_CATALOGUE.models[model_id].family]
    assert 0 < detector.default_confidence < 1
    assert 0 < detector.max_overlap < 1


@pytest.mark.parametrize("model_id", _DETECTORS)
def test_what_landmarks_a_detector_gives_is_known_without_loading_it(model_id: str) -> None:
    detector = open_detector(_network(model_id))
    follows = "follow_tilt" if detector.landmarks_follow_tilt else "upright"

    told = landmarks_of(_CATALOGUE.models[model_id])

    assert told == (follows if detector.has_landmarks else "none")


def test_a_network_that_finds_no_faces_is_refused() -> None:
    with pytest.raises(CatalogueError, match="'embedder', which finds no faces"):
        open_detector(_network("sface"))
