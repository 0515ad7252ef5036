"""The benchmark of identification measures what it says, on galleries small enough for a test."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks.identify import ENGINES, Plan, measure_identify, open_engine
from benchmarks.identify_faces import GENUINE_DEVIATION, GENUINE_MEAN, MadeFaces
from benchmarks.identify_table import print_identify


@pytest.mark.redis
def test_every_engine_answers_the_same_queries() -> None:
    plan = Plan(sizes=(3000,), queries=60)

    report = measure_identify(plan, console=Console(file=io.StringIO()))

    [size] = report["sizes"]
    assert list(size["engines"]) == [*ENGINES]
    for name in ("facesocial", "numpy", "faiss_flat"):
        for kind in ("genuine", "strangers"):
            found = size["engines"][name][kind]
            assert found["right"] == found["queries"]
            assert 0 < found["p50_ms"] <= found["p95_ms"]
    assert size["engines"]["numpy"]["genuine"]["of_numpy"] == 1.0
    counted = size["engines"]["facesocial"]["genuine"]["by_cosine"]
    assert sum(band["queries"] for band in counted) == 60
    # Of so few faces it says little of a process in which other tests ran before.
    assert isinstance(size["engines"]["facesocial"]["bytes_per_face"], float)
    assert 1024 < size["snapshot"]["bytes_per_face"] < 1100
    assert size["store"]["faces"] == 3000

    shown = io.StringIO()
    print_identify(report, Console(file=shown, width=120))
    assert "ours (exact)" in shown.getvalue()


def test_made_faces_are_as_alike_as_real_ones(tmp_path: Path) -> None:
    faces = MadeFaces(tmp_path, 2000, seed=3)
    stored = faces.stored().astype(np.float32)

    strangers = (stored @ stored.T)[np.triu_indices(2000, 1)]
    genuine = faces.genuine(1500)

    assert np.linalg.norm(stored, axis=1) == pytest.approx(1, abs=1e-3)
    assert strangers.std() == pytest.approx(0.1, abs=0.005)
    assert genuine.cosines.mean() == pytest.approx(GENUINE_MEAN, abs=0.02)
    assert genuine.cosines.std() == pytest.approx(GENUINE_DEVIATION, abs=0.02)


def test_what_is_right_is_what_comparing_everything_finds(tmp_path: Path) -> None:
    faces = MadeFaces(tmp_path, 500, seed=3)
    queries = faces.strangers(20)

    cosines = queries.vectors @ faces.stored().astype(np.float32).T

    assert queries.rows.tolist() == cosines.argmax(axis=1).tolist()
    assert np.allclose(queries.cosines, cosines.max(axis=1))
    engine = open_engine("facesocial", Plan(sizes=(500,), queries=20), 100)
    engine.build(faces)
    assert [engine.nearest(query) for query in queries.vectors] == queries.rows.tolist()
