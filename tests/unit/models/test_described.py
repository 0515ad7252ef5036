"""Entries written from descriptions, on graphs with other names and batches than they say."""

from pathlib import Path

import numpy as np
import pytest

from models.catalogue import load_catalogue
from models.contract import ShrinkableSession, TensorInfo, close, verify_contract
from models.described import fit
from models.errors import ContractMismatch, InferenceFailed
from models.loading import open_network
from models.recognition.embedder import FaceEmbedder
from models.results import Box, DetectedFace
from models.session import open_session
from models.testing import ScriptedSession, tiny_embedder
from models.weights.store import WeightStore

CATALOGUE = load_catalogue()


def _session(*, batch: int | str | None, side: int = 112, size: int = 512) -> ScriptedSession:
    return ScriptedSession(
        inputs=(TensorInfo(name="serving_x", dtype="float32", dims=(batch, 3, side, side)),),
        outputs=(TensorInfo(name="Identity:0", dtype="float32", dims=(batch, size)),),
        answer=lambda feeds: {"Identity:0": feeds["serving_x"][:, 0, :1, 0].repeat(size, axis=1)},
    )


def test_a_graph_is_fed_and_read_under_the_entry_s_names() -> None:
    spec = CATALOGUE.model("adaface_ir101")

    session, fitted = fit(_session(batch="N"), spec)

    verify_contract(session, fitted)
    answer = session.run({"input": np.full((2, 3, 112, 112), 7, np.float32)})
    assert set(answer) == {"output"}
    assert answer["output"].shape == (2, 512)
    assert (answer["output"] == 7).all()
    assert fitted.batch_buckets == spec.batch_buckets


def test_a_fixed_batch_allows_single_runs_only() -> None:
    spec = CATALOGUE.model("adaface_ir101")

    session, fitted = fit(_session(batch=1), spec)

    verify_contract(session, fitted)
    assert spec.batch_buckets != (1,)
    assert fitted.batch_buckets == (1,)
    assert fitted.cpu_batch_buckets is None


@pytest.mark.parametrize(("side", "size"), [(160, 512), (112, 128)])
def test_other_sizes_are_still_refused(side: int, size: int) -> None:
    session, fitted = fit(_session(batch="N", side=side, size=size), CATALOGUE.model("arcface"))

    with pytest.raises(ContractMismatch):
        verify_contract(session, fitted)


def test_another_number_of_outputs_is_refused() -> None:
    with pytest.raises(ContractMismatch, match="expected 9, found 1"):
        fit(_session(batch="N"), CATALOGUE.model("scrfd_10g"))


def test_an_entry_whose_file_was_at_hand_is_taken_at_its_word() -> None:
    session = _session(batch="N")

    assert fit(session, CATALOGUE.model("sface")) == (session, CATALOGUE.model("sface"))
    with pytest.raises(ContractMismatch, match="serving_x"):
        verify_contract(session, CATALOGUE.model("sface"))


def test_somebody_s_own_export_is_imported_recorded_and_run(tmp_path: Path) -> None:
    export = tmp_path / "my_facenet.onnx"
    export.write_bytes(tiny_embedder(size=512, side=160))
    spec = CATALOGUE.model("facenet_vggface2")
    store = WeightStore(tmp_path / "store")
    assert [info.name for info in open_session(export).inputs] != list(spec.inputs)

    store.import_as(export, spec)
    network = open_network(store, CATALOGUE, spec)

    image = np.full((300, 300, 3), (90, 160, 30), np.uint8)
    points = np.array([[120, 130], [180, 130], [150, 160], [130, 190], [170, 190]], np.float32)
    face = DetectedFace(
        box=Box(x=100, y=100, width=100, height=120), confidence=0.9, landmarks=points
    )
    [embedding] = FaceEmbedder(network).embed(image, [face])
    # The graph repeats the means of red, green and blue: FaceNet's are (x - 127.5) / 128.
    red, green, blue = embedding.vector[:3]
    assert red / green == pytest.approx((90 - 127.5) / (160 - 127.5), rel=1e-3)
    assert blue / green == pytest.approx((30 - 127.5) / (160 - 127.5), rel=1e-3)
    assert embedding.model.sha256 == network.sha256


def test_shrinking_and_closing_reach_the_graph_s_session() -> None:
    spec = CATALOGUE.model("adaface_ir101")
    inner = open_session(tiny_embedder(size=512))
    session, _ = fit(inner, spec)
    feeds = {"input": np.full((2, 3, 112, 112), 3, np.float32)}

    assert isinstance(session, ShrinkableSession)
    np.testing.assert_array_equal(
        session.run_and_shrink(feeds)["output"], session.run(feeds)["output"]
    )
    close(session)

    with pytest.raises(InferenceFailed, match="unloaded"):
        inner.run({"data": feeds["input"]})


def test_a_session_that_can_t_shrink_just_runs() -> None:
    session, _ = fit(_session(batch="N"), CATALOGUE.model("adaface_ir101"))

    assert isinstance(session, ShrinkableSession)
    feeds = {"input": np.full((1, 3, 112, 112), 3, np.float32)}
    assert session.run_and_shrink(feeds)["output"].shape == (1, 512)
