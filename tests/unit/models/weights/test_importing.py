"""Taking weights from folders and archives."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from models.catalogue import Catalogue
from models.errors import (
    WeightsError,
)
from models.spec import ModelSpec, PinnedFile
from models.weights.sources.memory import (
    MemoryFetcher,
    pinned,
    zipped,
)
from models.weights.store import WeightStore

CONTENT = b"the weights of a network"
OTHER = b"the weights of another"


def store_over(
    root: Path, downloads: Mapping[str, bytes | OSError]
) -> tuple[WeightStore, MemoryFetcher]:
    fetcher = MemoryFetcher(downloads)
    return WeightStore(root, fetchers=dict.fromkeys(("pypi", "npm", "url"), fetcher)), fetcher


def model(content: bytes = CONTENT, *, fold: bool = True) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "id": "net",
            "title": "Net",
            "task": "detection",
            "family": "yunet",
            "profile": "lite",
            "licence": "MIT",
            "commercial_use": True,
            "priority": "low",
            "file": pinned(content),
            "prepare": {"fold_dequantize": fold},
            "inputs": {"x": {"dtype": "float32", "dims": ["batch", 3]}},
            "outputs": {"y": {"dtype": "float32", "dims": ["batch", 1]}},
        }
    )


FILE = pinned(CONTENT)


def catalogue() -> Catalogue:
    return Catalogue(models={"net": model()}, samples={})


def test_an_import_knows_files_by_hash_whatever_their_names(tmp_path: Path) -> None:
    store, fetcher = store_over(tmp_path / "store", {})
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "renamed.bin").write_bytes(CONTENT)
    (tmp_path / "usb" / "a.onnx").write_bytes(CONTENT[::-1])

    (imported,) = store.import_from(tmp_path / "usb", catalogue())

    assert imported.origin.endswith("renamed.bin")
    assert store.path(FILE).read_bytes() == CONTENT
    assert fetcher.asked == []


def test_an_import_looks_into_wheels_inside_a_folder(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {})
    (tmp_path / "usb" / "deep").mkdir(parents=True)
    (tmp_path / "usb" / "a.zip").write_bytes(b"damaged")
    (tmp_path / "usb" / "deep" / "nets-1.0-py3-none-any.whl").write_bytes(zipped(a=CONTENT))

    (imported,) = store.import_from(tmp_path / "usb", catalogue())

    assert imported.origin.endswith("nets-1.0-py3-none-any.whl!nets/a.onnx")


def test_an_import_never_writes_where_a_member_s_name_points(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {})
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as archive:
        link = tarfile.TarInfo("link.onnx")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
        info = tarfile.TarInfo("../../escaped.onnx")
        info.size = len(CONTENT)
        archive.addfile(info, io.BytesIO(CONTENT))

    store.import_from(evil, catalogue())

    assert store.path(FILE).read_bytes() == CONTENT
    assert not list(tmp_path.parent.glob("**/escaped.onnx"))


def test_a_damaged_member_does_not_hide_the_others(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {})
    (tmp_path / "usb").mkdir()
    damaged = zipped(a=CONTENT).replace(CONTENT, CONTENT[::-1])
    (tmp_path / "usb" / "1.zip").write_bytes(damaged)
    (tmp_path / "usb" / "2.zip").write_bytes(zipped(a=CONTENT))

    (imported,) = store.import_from(tmp_path / "usb", catalogue())

    assert imported.origin.endswith("2.zip!nets/a.onnx")


def test_an_import_of_a_single_file_works(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {})
    (tmp_path / "x").write_bytes(CONTENT)

    assert len(store.import_from(tmp_path / "x", catalogue())) == 1


def test_an_import_that_finds_nothing_answers_nothing(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {})

    assert store.import_from(tmp_path, catalogue()) == []


def test_an_import_from_nowhere_or_from_a_broken_archive_says_so(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {})
    (tmp_path / "broken.whl").write_bytes(b"PK\x03\x04 broken")

    with pytest.raises(WeightsError, match="There is no"):
        store.import_from(tmp_path / "absent", catalogue())
    with pytest.raises(WeightsError, match=r"broken\.whl can't be read"):
        store.import_from(tmp_path / "broken.whl", catalogue())


def test_an_import_replaces_a_damaged_file(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {"nets==1.0": zipped(a=CONTENT)})
    store.pull(FILE).write_bytes(b"damaged")
    (tmp_path / "x").write_bytes(CONTENT)

    store.import_from(tmp_path / "x", catalogue())

    store.verify(FILE)


def test_an_import_knows_files_of_unknown_size_by_their_hash(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path / "store", {})
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / "1.bin").write_bytes(OTHER)
    (tmp_path / "usb" / "2.zip").write_bytes(zipped(a=CONTENT))
    unsized = PinnedFile(name="a.onnx", sha256=pinned(CONTENT).sha256)
    entry = model().model_copy(update={"file": unsized})

    (imported,) = store.import_from(tmp_path / "usb", Catalogue(models={"net": entry}))

    assert imported.origin.endswith("2.zip!nets/a.onnx")
    assert store.path(unsized).read_bytes() == CONTENT
