import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.bulk import check_lines, check_rows
from benchmarks.bulk_photos import SIDE_PIXELS, item_id, numbered, tiny, write_archive
from benchmarks.errors import BenchmarkFailed


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.effect_noise((640, 480), 50).save(path)
    return path


def test_photos_are_small_and_all_differ(photo: Path) -> None:
    small = tiny(photo)
    files = {numbered(small, number) for number in range(50)}

    assert len(files) == 50
    for content in files:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            assert max(image.size) == SIDE_PIXELS


def test_the_archive_holds_each_photo_once(photo: Path, tmp_path: Path) -> None:
    write_archive(tmp_path / "all.zip", tiny(photo), 20)

    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert Counter(archive.namelist()) == Counter(map(item_id, range(20)))


def test_a_complete_export_is_counted() -> None:
    lines = "\n".join(json.dumps({"id": item_id(number)}) for number in range(3))
    rows = "id,face\n" + "".join(
        f"{item_id(number)},{face}\n" for number in range(3) for face in (1, 2)
    )

    assert check_lines(lines, 3) == check_rows(rows, 3) == 3


@pytest.mark.parametrize("found", [[0, 1], [0, 1, 2, 2], [0, 1, 3]])
def test_an_export_that_lacks_or_doubles_an_item_fails(found: list[int]) -> None:
    lines = "\n".join(json.dumps({"id": item_id(number)}) for number in found)

    with pytest.raises(BenchmarkFailed, match="missing"):
        check_lines(lines, 3)
