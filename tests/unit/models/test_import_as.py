"""Taking a file whose hash nobody has published as the weights of a model."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from models.catalogue import Catalogue
from models.errors import (
    AlreadyRecorded,
    ContractMismatch,
    ModelsError,
    PreparationFailed,
    WeightsCorrupt,
    WeightsError,
    WeightsMissing,
)
from models.spec import ModelSpec
from models.testing import tiny_onnx
from models.weights.files import git_blob_sha1_of
from models.weights.sources.memory import pinned
from models.weights.store import State, WeightStore

CONTENT = b"an export of a network"
OTHER = b"another export of it"


def model(**changes: Any) -> ModelSpec:  # noqa: ANN401 - fields of the entry
    entry = {
        "id": "net",
        "title": "Net",
        "task": "detection",
        "family": "yunet",
        "profile": "full",
        "licence": "MIT",
        "commercial_use": True,
        "priority": "low",
        "file": {"name": "net.onnx", "why": "Everybody exports it anew."},
        "inputs": {"x": {"dtype": "float32", "dims": ["batch", 3]}},
        "outputs": {"y": {"dtype": "float32", "dims": ["batch", 3]}},
    }
    return ModelSpec.model_validate({**entry, **changes})


def trusting_store(root: Path) -> WeightStore:
    return WeightStore(root / "store", fetchers={}, accept=lambda _content, _spec: None)


def written(folder: Path, content: bytes, name: str = "mine.bin") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_before_the_import_the_message_says_how_to_do_it(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)

    with pytest.raises(WeightsMissing, match="models import FILE --as net") as caught:
        store.prepared(model())

    assert "Everybody exports it anew." in str(caught.value)
    assert store.model_state(model()) is State.MISSING


def test_an_imported_file_is_known_by_its_recorded_hash(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)

    imported = store.import_as(written(tmp_path, CONTENT), model())

    assert imported.file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert imported.file.name == "net.onnx"
    again = WeightStore(tmp_path / "store", fetchers={})
    assert again.known(model()).file == imported.file
    assert again.prepared(model()).read_bytes() == CONTENT
    assert again.model_state(model()) is State.PREPARED
    again.verify_model(model())


def test_a_changed_byte_of_a_recorded_file_is_found_at_the_next_load(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)
    path = store.import_as(written(tmp_path, CONTENT), model()).path
    path.write_bytes(CONTENT[:-1] + b"!")

    with pytest.raises(WeightsCorrupt, match="is damaged"):
        store.prepared(model())
    with pytest.raises(WeightsCorrupt, match="is damaged"):
        store.verify_model(model())


def test_other_bytes_need_to_be_told_to_replace_the_first(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)
    store.import_as(written(tmp_path, CONTENT), model())

    with pytest.raises(AlreadyRecorded, match="--replace"):
        store.import_as(written(tmp_path, OTHER), model())
    assert store.prepared(model()).read_bytes() == CONTENT

    store.import_as(written(tmp_path, OTHER), model(), replace=True)
    assert store.prepared(model()).read_bytes() == OTHER


def test_the_same_bytes_may_be_imported_again(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)
    store.import_as(written(tmp_path, CONTENT), model())
    store.prepared(model()).write_bytes(b"damaged")

    store.import_as(written(tmp_path, CONTENT), model())

    assert store.prepared(model()).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "record", [b"", b"{}", b'{"name": "../x", "sha256": "0", "size_bytes": 1}']
)
def test_a_damaged_record_is_refused_and_mended_by_an_import(tmp_path: Path, record: bytes) -> None:
    store = trusting_store(tmp_path)
    store.import_as(written(tmp_path, CONTENT), model())
    (tmp_path / "store" / "records" / "net.json").write_bytes(record)

    with pytest.raises(WeightsCorrupt, match="--as net --replace"):
        store.prepared(model())
    assert store.model_state(model()) is State.DAMAGED

    store.import_as(written(tmp_path, CONTENT), model(), replace=True)
    assert store.prepared(model()).read_bytes() == CONTENT


def test_what_is_not_accepted_leaves_nothing_behind(tmp_path: Path) -> None:
    def refuse(_content: bytes, spec: ModelSpec) -> None:
        raise ContractMismatch(f"{spec.id} is another model")

    store = WeightStore(tmp_path / "store", fetchers={}, accept=refuse)

    with pytest.raises(ContractMismatch):
        store.import_as(written(tmp_path, CONTENT), model())

    left = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path.suffix for path in left] in ([], [".lock"])
    assert store.model_state(model()) is State.MISSING


def test_a_known_git_blob_is_checked(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)
    path = written(tmp_path, CONTENT)
    file = {"name": "net.onnx", "why": "Only the blob is known."}
    right = model(file={**file, "git_blob_sha1": git_blob_sha1_of(path)})
    wrong = model(file={**file, "git_blob_sha1": "0" * 40})

    with pytest.raises(WeightsCorrupt, match="expected the git blob 0000"):
        store.import_as(path, wrong)
    store.import_as(path, right)

    assert store.model_state(right) is State.PREPARED


def test_a_git_blob_is_hashed_as_git_does(tmp_path: Path) -> None:
    # The empty blob and `echo test` of every git repository.
    assert git_blob_sha1_of(written(tmp_path, b"")) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert (
        git_blob_sha1_of(written(tmp_path, b"test\n")) == "9daeafb9864cf43055ae93beb0afd6c7d144bfa4"
    )


def test_a_pinned_model_takes_its_own_file_only(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)
    spec = model(file=pinned(CONTENT))

    with pytest.raises(WeightsCorrupt, match="is not the file of net"):
        store.import_as(written(tmp_path, OTHER), spec)
    store.import_as(written(tmp_path, CONTENT), spec)

    assert store.prepared(spec).read_bytes() == CONTENT
    assert not (tmp_path / "store" / "records").exists()


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is no file"):
        trusting_store(tmp_path).import_as(tmp_path, model())


def test_an_import_by_hash_passes_models_without_one_by(tmp_path: Path) -> None:
    store = trusting_store(tmp_path)
    catalogue = Catalogue(models={"net": model()})

    assert store.import_from(written(tmp_path, CONTENT), catalogue) == []


def test_the_real_check_takes_a_graph_that_keeps_its_contract(tmp_path: Path) -> None:
    store = WeightStore(tmp_path / "store", fetchers={})
    graph = tiny_onnx(dims=("batch", 3))

    store.import_as(written(tmp_path, graph), model())

    assert store.prepared(model()).read_bytes() == graph


@pytest.mark.parametrize(
    ("content", "error", "complaint"),
    [
        (b"no graph at all", WeightsCorrupt, "no ONNX graph"),
        (b"", ModelsError, "graph"),
        (tiny_onnx(dims=("batch", 4)), ContractMismatch, r"expected float32\['batch', 3\]"),
        (tiny_onnx(dims=(1, 3)), ContractMismatch, r"found float32\[1, 3\]"),
        (tiny_onnx(dims=("batch", 3), dtype="float64"), ContractMismatch, "float64"),
        (tiny_onnx(dims=("batch", 3), add=float("nan")), ContractMismatch, "no numbers"),
        (tiny_onnx(dims=("batch", 3), add=float("inf")), ContractMismatch, "no numbers"),
        # What is added drowns every input.
        (tiny_onnx(dims=("batch", 3), add=3e38), ContractMismatch, "does not look at"),
    ],
    ids=["noise", "empty", "width", "batch", "dtype", "nan", "infinity", "blind"],
)
def test_the_real_check_refuses_what_is_not_the_model(
    tmp_path: Path, content: bytes, error: type[ModelsError], complaint: str
) -> None:
    store = WeightStore(tmp_path / "store", fetchers={})

    with pytest.raises(error, match=complaint):
        store.import_as(written(tmp_path, content), model())

    assert store.model_state(model()) is State.MISSING


def test_the_real_check_refuses_a_graph_that_can_t_be_prepared(tmp_path: Path) -> None:
    store = WeightStore(tmp_path / "store", fetchers={})
    spec = model(prepare={"dynamic": {"absent": {"0": "batch"}}})

    with pytest.raises(PreparationFailed, match="no 'absent'"):
        store.import_as(written(tmp_path, tiny_onnx(dims=(1, 3))), spec)
