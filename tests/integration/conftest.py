"""A whole fleet on this machine: what `facesocial up` starts, in a folder of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from pydantic import SecretStr

from cli.launcher.run_files import read_run_file
from cli.local_fleet import LocalFleet, local_fleet
from client import Client
from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.connections.client import connect
from workers.settings.process import Settings, environment_of


@pytest.fixture(scope="session")
def fleet(weights: WeightStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFleet]:
    """Gateway, CPU worker and simulated device, with the test weights and short leases."""
    folder = tmp_path_factory.mktemp("fleet")
    environment = {
        **os.environ,  # noqa: TID251 - handed to the fleet
        **environment_of(
            data_dir=folder / "data",
            weights_dir=weights.root.absolute(),
            port=0,
            job_lease_seconds=3,
            job_resend_seconds=3,
            # Each photo is to be worked on, however often it is sent.
            result_cache_seconds=0,
        ),
    }
    arguments = ("--no-flower", "--simulate-gpu", "6144")
    with local_fleet(environment, log=folder / "up.log", arguments=arguments) as fleet:
        yield fleet


@pytest.fixture(scope="session")
def http(fleet: LocalFleet) -> Iterator[httpx.Client]:
    """A client of the fleet's gateway."""
    headers = {"X-API-Key": fleet.key}
    with httpx.Client(base_url=fleet.url, timeout=60, headers=headers) as client:
        yield client


@pytest.fixture(scope="session")
def client(fleet: LocalFleet) -> Iterator[Client]:
    """Submits photos to the fleet."""
    with Client(fleet.url, key=fleet.key) as client:
        yield client


@pytest.fixture(scope="session")
def store(fleet: LocalFleet) -> Iterator[redis.Redis]:
    """The fleet's own store."""
    port = read_run_file(fleet.data.run / "store.json")["port"]
    url = f"redis://:{fleet.data.secret('store')}@127.0.0.1:{port}/0"
    with connect(Settings(redis_url=SecretStr(url)), role="test") as connection:
        yield connection


@pytest.fixture(scope="session")
def photos(weights: WeightStore) -> dict[str, Path]:
    """The sample photos by id."""
    samples = load_catalogue().samples.values()
    return {sample.id: weights.path(sample.file) for sample in samples}
