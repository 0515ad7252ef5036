import pytest

from benchmarks.figures import PARTS, Exchange, by_sample, parts, percentile, ratios, typical


def exchange(sample: str = "one", *, queue_ms: float = 3) -> Exchange:
    return Exchange(
        sample=sample,
        accept_ms=8,
        store_ms=2,
        queue_ms=queue_ms,
        pipeline_ms=40,
        worker_rest_ms=1,
        deliver_ms=4,
    )


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 10), (50, 25), (95, 38.5), (100, 40), (25, 17.5)]
)
def test_a_percentile_lies_between_its_neighbours_in_proportion(
    percent: float, expected: float
) -> None:
    assert percentile([40, 10, 30, 20], percent) == pytest.approx(expected)


def test_every_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7], 50) == percentile([7], 95) == 7


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_a_typical_value_gives_each_photo_the_same_weight_and_ignores_an_outlier() -> None:
    assert typical({"small": [40, 41, 42, 900], "large": [140]}) == pytest.approx(90.75)


def test_a_latency_is_the_sum_of_the_parts_that_follow_one_another() -> None:
    assert exchange().latency_ms == 2 + 3 + 40 + 1 + 4


def test_exchanges_are_kept_apart_by_sample_in_their_order() -> None:
    found = by_sample([exchange("a", queue_ms=5), exchange("b"), exchange("a")], "queue_ms")

    assert found == {"a": [5, 3], "b": [3]}


def test_every_part_of_an_exchange_is_reported() -> None:
    assert list(parts([exchange()])) == list(PARTS)
    assert parts([exchange("a", queue_ms=5), exchange("b")])["queue_ms"] == 4


def test_ratios_are_taken_within_a_repetition() -> None:
    assert ratios([5, 20], [10, 10]) == [0.5, 2]


def test_ratios_need_as_many_of_the_one_as_of_the_other() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1, 2], [1])
