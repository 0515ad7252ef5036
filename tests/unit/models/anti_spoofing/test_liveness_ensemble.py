"""Models that vote together."""

from dataclasses import replace

import numpy as np
import pytest

from models.anti_spoofing.classifier import LivenessClassifier
from models.anti_spoofing.ensemble import LivenessEnsemble, weights_among
from models.anti_spoofing.motion import Frame
from models.catalogue import load_catalogue
from models.errors import InferenceFailed, LivenessUnavailable
from models.network import Network
from models.results import Box, DetectedFace, Image
from models.testing import ScriptedSession

CATALOGUE = load_catalogue()
FACE = DetectedFace(
    box=Box(x=150, y=100, width=100, height=100),
    confidence=1.0,
    landmarks=np.array([[180, 130], [220, 130], [200, 155], [185, 180], [215, 180]], np.float32),
)


def member(name: str, live: float) -> LivenessClassifier:
    """A network of the catalogue that answers every face with one live probability."""
    spec = CATALOGUE.model(name)
    shares = [
        live if label == "live" else (1 - live) / (len(spec.labels) - 1) for label in spec.labels
    ]
    (output,) = spec.outputs
    answer = {output: np.log(np.array([shares], np.float32))}
    return LivenessClassifier(Network(spec=spec, session=ScriptedSession.of(spec, answer)))


def photo() -> Image:
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)


def test_weights_are_those_of_the_models_that_run() -> None:
    weights = {"a": 0.5, "b": 0.25, "c": 0.25}

    assert weights_among(weights, ["b", "c", "other"]) == {"b": 0.5, "c": 0.5}
    assert weights_among(weights, weights) == weights


def test_when_no_model_runs_liveness_is_unavailable() -> None:
    with pytest.raises(LivenessUnavailable, match="nothing counts as live"):
        weights_among({"a": 1.0}, ["other"])


def test_the_catalogues_weights_are_shares_of_models_that_may_be_used_by_all() -> None:
    weights = CATALOGUE.ensembles["anti_spoofing"]

    assert sum(weights.values()) == pytest.approx(1)
    assert all(CATALOGUE.models[name].commercial_use for name in weights)
    assert weights["minifasnet_v2"] == weights["minifasnet_v1se"]


def test_members_vote_by_weight() -> None:
    members = {"faceplugin_liveness": member("faceplugin_liveness", 0.9)}
    members["minifasnet_v2"] = member("minifasnet_v2", 0.5)
    ensemble = LivenessEnsemble(members, {"faceplugin_liveness": 0.75, "minifasnet_v2": 0.25})

    (verdict,) = ensemble.judge(photo(), [FACE])

    assert verdict.score == pytest.approx(0.8, abs=1e-6)
    assert verdict.outcome == "live"
    assert verdict.by_model == pytest.approx({"faceplugin_liveness": 0.9, "minifasnet_v2": 0.5})
    assert verdict.attack.print is None


def test_a_member_without_weight_names_the_attack_and_does_not_vote() -> None:
    members = {name: member(name, 0.2) for name in ("minifasnet_v2", "antispoofing_print_replay")}
    ensemble = LivenessEnsemble(members, {"minifasnet_v2": 1.0})

    (verdict,) = ensemble.judge(photo(), [FACE])

    assert verdict.score == pytest.approx(0.2, abs=1e-6)
    assert verdict.attack.print == pytest.approx(0.4, abs=1e-6)
    assert verdict.attack.replay == pytest.approx(0.4, abs=1e-6)


def test_each_face_is_judged_by_its_own_view() -> None:
    ensemble = LivenessEnsemble(
        {"minifasnet_v2": member("minifasnet_v2", 0.9)}, {"minifasnet_v2": 1}
    )
    small = replace(FACE, box=Box(x=150, y=100, width=20, height=20))

    found = ensemble.judge(photo(), [small, FACE, FACE], faults=[(), (), ("extreme_pose",)])

    assert [verdict.outcome for verdict in found] == ["retake", "live", "retake"]
    assert found[2].reasons == ("extreme_pose",)


def test_a_member_that_fails_ends_the_verdict() -> None:
    spec = CATALOGUE.model("minifasnet_v2")
    broken = ScriptedSession.of(spec, {"logits": np.full((1, 3), np.nan, np.float32)})
    members = {
        "minifasnet_v2": LivenessClassifier(Network(spec=spec, session=broken)),
        "faceplugin_liveness": member("faceplugin_liveness", 0.99),
    }
    ensemble = LivenessEnsemble(members, dict.fromkeys(members, 0.5))

    with pytest.raises(InferenceFailed, match="minifasnet_v2"):
        ensemble.judge(photo(), [FACE])


@pytest.mark.parametrize("weights", [{}, {"minifasnet_v2": 0.5, "minifasnet_v1se": 0.5}])
def test_an_ensemble_is_not_made_without_its_voters(weights: dict[str, float]) -> None:
    with pytest.raises(LivenessUnavailable):
        LivenessEnsemble({"minifasnet_v2": member("minifasnet_v2", 0.99)}, weights)


def test_frames_that_do_not_move_cost_confidence() -> None:
    ensemble = LivenessEnsemble(
        {"minifasnet_v2": member("minifasnet_v2", 0.8)}, {"minifasnet_v2": 1}
    )
    still = Frame(image=photo(), face=FACE)

    found = ensemble.judge_frames([still, still, still])

    assert (found.outcome, found.reasons) == ("retake", ("no_motion",))
    assert found.motion.residual == pytest.approx(0, abs=1e-4)
    assert len(found.frames) == 3
