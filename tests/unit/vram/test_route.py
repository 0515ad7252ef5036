"""Where a job goes, from what the ledger shows."""

from vram.ledger import Device, DeviceState, Resident, Route, choose_route


def device(
    name: str, *models: str, free_bytes: int = 100, alive: bool = True, size_bytes: int = 10
) -> DeviceState:
    used_bytes = size_bytes * len(models)
    return DeviceState(
        device=Device(
            id=name,
            kind="gpu",
            name="Test Card",
            total_bytes=free_bytes + used_bytes,
            reserved_bytes=0,
            incarnation=1,
            host="here",
        ),
        residents=tuple(
            Resident(model=model, vram_bytes=size_bytes, basis="device_delta") for model in models
        ),
        silent_seconds=0.0 if alive else 99.0,
        alive=alive,
    )


def test_without_devices_the_cpu_takes_the_job() -> None:
    assert choose_route([], ["detector"]) == Route(queue_class="cpu", reason="no_gpu_device")


def test_a_silent_device_counts_as_none() -> None:
    silent = device("cuda:0", "detector", alive=False)

    assert choose_route([silent], ["detector"]) == Route(queue_class="cpu", reason="no_gpu_device")


def test_a_device_that_holds_all_models_gets_the_job() -> None:
    states = [device("cuda:0", "detector"), device("cuda:1", "embedder", "detector", "age")]

    assert choose_route(states, ["detector", "embedder"]) == Route(
        queue_class="gpu", reason="resident", device="cuda:1"
    )


def test_one_missing_model_sends_the_job_to_the_cpu() -> None:
    states = [device("cuda:0", "detector"), device("cuda:1", "embedder")]

    assert choose_route(states, ["detector", "embedder"]) == Route(
        queue_class="cpu", reason="not_resident"
    )


def test_models_on_a_silent_device_are_not_resident() -> None:
    states = [device("cuda:0", "detector", alive=False), device("cuda:1")]

    assert choose_route(states, ["detector"]) == Route(queue_class="cpu", reason="not_resident")


def test_of_several_devices_the_one_with_the_most_free_bytes_wins() -> None:
    states = [
        device("cuda:0", "detector", free_bytes=50),
        device("cuda:1", "detector", free_bytes=70),
        device("cuda:2", "detector", free_bytes=60),
    ]

    assert choose_route(states, ["detector"]).device == "cuda:1"


def test_of_equal_devices_the_lowest_id_wins() -> None:
    states = [device("cuda:1", "detector"), device("cuda:0", "detector")]

    assert choose_route(states, ["detector"]).device == "cuda:0"
