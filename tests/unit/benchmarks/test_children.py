from pathlib import Path

import pytest

from benchmarks.children import child_environment
from workers.settings.process import load_settings


def test_a_benchmark_s_processes_get_the_work_s_settings_and_no_store_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FACESOCIAL_REDIS_URL", "redis://production:6379/0")
    monkeypatch.setenv("FACESOCIAL_DATA_DIR", "/somewhere/in/use")
    monkeypatch.setenv("KEPT", "as it is")
    settings = load_settings(
        {"FACESOCIAL_WEIGHTS_DIR": str(tmp_path), "FACESOCIAL_ORT_THREADS": "2"}
    )

    environment = child_environment(settings, {"worker_concurrency": 3})

    assert environment["KEPT"] == "as it is"
    child = load_settings(environment)
    assert child.model_fields_set == {
        "weights_dir",
        "ort_threads",
        "max_image_pixels",
        "worker_concurrency",
    }
    assert (child.weights_path, child.ort_threads, child.worker_concurrency) == (tmp_path, 2, 3)
