"""When waiting for a fuller batch pays, whose turn it is, and which jobs may share one."""

import pytest

from workers.batching import (
    LONGEST_GAP_SECONDS,
    BatchPlan,
    BulkTurns,
    GroupHistory,
    fill_wait_seconds,
    lane_of,
)
from workers.contract import ANALYSES, AnalyzeOptions
from workers.jobs.batch_key import DECIDED_BY, batch_key
from workers.jobs.options import CompareOptions, JobOptions, LivenessOptions, VideoOptions


def _wait(
    *, room: int = 8, longest: float = 0.05, batch: float = 1.0, arrivals: float = 100.0
) -> float:
    return fill_wait_seconds(
        room=room,
        longest_seconds=longest,
        batch_seconds=batch,
        arrivals_per_second=arrivals,
    )


def test_nobody_waits_for_longer_than_the_lane_allows() -> None:
    assert _wait(longest=0.05, arrivals=40) == 0.05
    assert _wait(longest=0.005, arrivals=400) == 0.005
    assert _wait(longest=0) == 0


def test_nobody_waits_for_more_than_a_quarter_of_a_batch_s_time() -> None:
    assert _wait(batch=0.1, arrivals=60) == pytest.approx(0.025)
    assert _wait(batch=0) == 0


def test_nobody_waits_when_no_more_than_nobody_is_to_be_expected() -> None:
    assert _wait(arrivals=19.9) == 0
    assert _wait(arrivals=20.1) == 0.05
    assert _wait(arrivals=0) == 0


def test_a_full_batch_waits_for_nobody_and_an_almost_full_one_not_for_long() -> None:
    assert _wait(room=0) == 0
    assert _wait(room=1, arrivals=100) == pytest.approx(0.01)


def test_the_rate_follows_the_gaps_between_submissions() -> None:
    history = GroupHistory()
    assert history.arrivals_per_second(1_000) == 0
    history.saw([1_000])
    assert history.arrivals_per_second(1_000) == 0

    history.saw([1_300, 1_100, 1_200])

    assert history.arrivals_per_second(1_300) == pytest.approx(10)


def test_silence_lowers_the_rate_at_once_and_a_night_does_not_spoil_the_day() -> None:
    history = GroupHistory()
    history.saw(range(0, 1_000, 10))
    assert history.arrivals_per_second(990) == pytest.approx(100)
    assert history.arrivals_per_second(2_990) == pytest.approx(0.5)

    night_ms = 8 * 3600 * 1000
    history.saw([night_ms])
    assert history.gap_seconds is not None
    assert history.gap_seconds <= LONGEST_GAP_SECONDS
    history.saw(range(night_ms, night_ms + 500, 10))
    assert history.arrivals_per_second(night_ms + 490) == pytest.approx(100, rel=0.05)


def test_jobs_submitted_in_the_same_millisecond_or_seen_late_do_no_harm() -> None:
    history = GroupHistory()
    history.saw([1_000, 1_000])
    history.saw([900])

    assert 0 < history.arrivals_per_second(1_000) <= 1_000


def test_the_time_of_batches_is_a_mean_that_follows() -> None:
    history = GroupHistory()
    history.ran(1.0)
    assert history.batch_seconds == 1.0
    for _ in range(30):
        history.ran(0.2)
    assert history.batch_seconds == pytest.approx(0.2, abs=0.01)


def test_bulk_gets_its_turn_after_every_so_many_interactive_batches() -> None:
    turns = BulkTurns(3)

    found = [turns.after("gpu.box1/cuda:0.interactive") for _ in range(7)]

    bulk = "gpu.box1/cuda:0.bulk"
    assert found == [None, None, bulk, None, None, bulk, None]


def test_a_bulk_batch_that_came_by_its_own_message_is_a_turn_too() -> None:
    turns = BulkTurns(2)

    assert turns.after("cpu.interactive") is None
    assert turns.after("cpu.bulk") is None
    assert turns.after("cpu.interactive") is None
    assert turns.after("cpu.interactive") == "cpu.bulk"


def test_each_lane_has_its_own_patience() -> None:
    plan = BatchPlan(interactive_wait_seconds=0.005, bulk_wait_seconds=0.05)

    assert plan.longest_wait_seconds(lane_of("gpu.box1/cuda:0.bulk")) == 0.05
    assert plan.longest_wait_seconds(lane_of("gpu.box1/cuda:0.interactive")) == 0.005
    assert BatchPlan().jobs == 1


@pytest.mark.parametrize(
    "same",
    [
        {"analyses": ("demographics", "detection", "recognition")},
        {"analyses": ("recognition", "demographics")},
        {"max_faces": 3},
        {"min_confidence": 0.9},
        {"min_face_pixels": 40},
        {"return_embeddings": True},
        {"priority": "batch"},
        # Of an analysis nobody asked for.
        {"deepfake_model": "meso4_df"},
    ],
)
def test_options_that_lead_through_the_same_stages_share_a_key(same: dict[str, object]) -> None:
    assert batch_key(AnalyzeOptions.model_validate(same)) == batch_key(AnalyzeOptions())


@pytest.mark.parametrize(
    "different",
    [
        {"analyses": ("recognition",)},
        {"analyses": ANALYSES},
        {"engine": "scrfd"},
        {"detection_priority": "accuracy"},
        {"tiles": True},
        {"recognition_model": "sface"},
        {"demographics_model": "genderage"},
    ],
)
def test_options_that_mean_other_models_or_stages_do_not(different: dict[str, object]) -> None:
    assert batch_key(AnalyzeOptions.model_validate(different)) != batch_key(AnalyzeOptions())


def test_a_key_is_the_same_in_every_process_and_version() -> None:
    assert batch_key(AnalyzeOptions()) == "1-b46737b843df"


def test_every_option_is_either_part_of_the_key_or_known_not_to_matter() -> None:
    in_key = {name for names in DECIDED_BY.values() for name in names}
    free = {
        *("max_faces", "min_confidence", "min_face_pixels", "return_embeddings", "priority"),
        *("identify", "kind"),
    }

    assert in_key | free | {"analyses"} == set(AnalyzeOptions.model_fields)
    assert set(DECIDED_BY) == set(ANALYSES)


@pytest.mark.parametrize("options", [CompareOptions(), LivenessOptions(), VideoOptions()])
def test_jobs_other_than_photos_share_no_batch(options: JobOptions) -> None:
    assert batch_key(options) == ""
