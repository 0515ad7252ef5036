"""Which jobs compare faces with a collection, and what routers are told of indexes."""

import pytest

from workers.contract import AnalyzeOptions, IdentifyOptions
from workers.index_places import IndexPlaces, searched_collection
from workers.jobs.options import (
    ChunkOptions,
    CompareOptions,
    EnrollOptions,
    JobOptions,
    SearchOptions,
    VerifyOptions,
    VideoOptions,
)

UID = "col_" + "0" * 32
NAMING = AnalyzeOptions(identify=IdentifyOptions(collection=UID))
ENROLLING = EnrollOptions(collection=UID, person="ann")


@pytest.mark.parametrize(
    ("options", "uid"),
    [
        (NAMING, UID),
        (AnalyzeOptions(), None),
        (VideoOptions(identify=IdentifyOptions(collection=UID)), UID),
        (VideoOptions(), None),
        (ENROLLING, UID),
        (
            SearchOptions(
                collection=UID, model="m", sha256="", preprocessing_version="1", dimensions=4
            ),
            UID,
        ),
        (ChunkOptions(batch="b", items=(1,), options=NAMING), UID),
        (ChunkOptions(batch="b", items=(1,), options=ENROLLING), UID),
        # It reads the one person's faces from the store.
        (VerifyOptions(collection=UID, person="ann"), None),
        (CompareOptions(), None),
    ],
)
def test_jobs_that_compare_with_everybody_need_the_index(
    options: JobOptions, uid: str | None
) -> None:
    assert searched_collection(options) == uid


class TwoIndexes:
    def slow_to_load(self) -> list[str]:
        return [UID, "col_" + "1" * 32]


def test_indexes_are_told_of_as_soon_as_there_are_any() -> None:
    places = IndexPlaces()
    assert places() == ()

    places.of(TwoIndexes())

    assert places() == (f"index:{UID}", "index:col_" + "1" * 32)
