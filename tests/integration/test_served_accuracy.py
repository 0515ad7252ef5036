"""What a fleet answers over HTTP against what the same code says in this process."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from cli.labelled_folder import calibrate_embeddings
from cli.people_evaluators import PeopleEvaluators
from cli.served_pairs import Sending
from client import Client
from models.catalogue import load_catalogue
from models.evaluation.labels import no_tick
from models.results import Embedding
from models.weights.store import WeightStore
from workers.identities.calibration_answer import CalibrateAnswer

pytestmark = [pytest.mark.fleet, pytest.mark.redis, pytest.mark.weights]

#: Left and top of squares of 250 pixels around faces of the sample photo "t1".
CORNERS = ((0, 208), (195, 86), (394, 216), (673, 284))


@pytest.fixture
def pairs(weights: WeightStore, tmp_path: Path) -> Path:
    """Four people, each as they are and mirrored, as a labelled set."""
    folder = tmp_path / "pairs"
    (folder / "images").mkdir(parents=True)
    with Image.open(weights.path(load_catalogue().samples["t1"].file)) as photo:
        for number, (left, top) in enumerate(CORNERS):
            face = photo.convert("RGB").crop((left, top, left + 250, top + 250))
            face.save(folder / "images" / f"p{number}_1.jpg", quality=95)
            ImageOps.mirror(face).save(folder / "images" / f"p{number}_2.jpg", quality=95)
    rows = [
        f"{number % 2 + 1},{int(same)},p{number}_1.jpg,p{(number + (not same)) % 4}_2.jpg"
        for number in range(4)
        for same in (True, False)
    ]
    (folder / "pairs.csv").write_text("\n".join(["fold,same,file_a,file_b", *rows]))
    return folder


def test_pairs_over_http_are_judged_as_in_this_process(
    client: Client, weights: WeightStore, pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root.absolute()))

    report = PeopleEvaluators().served(
        pairs,
        "sface",
        Sending(client=client, model="sface", far=1e-3, at_once=4),
        limit=None,
        kept=None,
        tick=no_tick,
    )

    difference, decisions, thresholds = (figure.value for figure in report.figures)
    # A cosine of float32 vectors is known to about 1e-7.
    assert difference < 1e-6
    assert (decisions, thresholds) == (0, 0)
    over_http, here = report.groups["over HTTP"], report.groups["in this process"]
    assert [f.name for f in over_http] == [f.name for f in here]
    for one, other in zip(over_http, here, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-4), one.name
    assert over_http[0].name == "accuracy"
    assert over_http[0].value == here[0].value == 1.0


def test_a_collection_is_calibrated_by_a_worker_as_in_this_process(
    client: Client, weights: WeightStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root.absolute()))
    model = PeopleEvaluators().embedder("sface").model
    rng = np.random.default_rng(8)
    found: list[tuple[str, Embedding]] = []
    for person in range(60):
        middle = rng.normal(size=16)
        for _ in range(3):
            # People that resemble each other more than 128 free numbers would.
            row = np.concatenate([middle + 0.4 * rng.normal(size=16), np.zeros(112)])
            # As it is stored: in float16.
            stored = (row / np.linalg.norm(row)).astype("<f2").astype(np.float32)
            found.append((f"p{person}", Embedding(vector=stored, model=model)))
    client.collections.create("calibrated")
    lines = [
        {
            "person_id": person,
            "embedding_base64": base64.b64encode(one.vector.astype("<f4").tobytes()).decode(),
            "model": model.id,
            "sha256": model.sha256,
            "preprocessing_version": model.preprocessing_version,
        }
        for person, one in found
    ]
    (tmp_path / "people.ndjson").write_text("\n".join(map(json.dumps, lines)))
    client.collections.load(tmp_path / "people.ndjson", collection="calibrated")

    job = client.wait(client.collections.calibrate("calibrated", wait_seconds=20))

    measured = CalibrateAnswer.model_validate(job.result)
    here = calibrate_embeddings("calibrated", found)
    assert measured.points == here.points
    assert measured.searches == here.searches
    assert measured.unsupported == here.unsupported
    assert measured.scores == here.scores
    kept = client.collections.get("calibrated").calibration
    assert kept is not None
    assert len(kept.points) == len(here.points) > 0
    client.collections.delete("calibrated")
