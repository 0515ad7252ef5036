"""A whole fleet on this machine: what `facesocial up` starts, in a folder of its own."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
import redis

from cli.gateway_client import GatewayClient
from cli.launcher.data_dir import DataDir
from cli.launcher.run_files import read_run_file
from cli.local_fleet import local_fleet
from models.catalogue import load_catalogue
from models.store import WeightStore
from workers.redis_client import connect
from workers.settings import Settings, environment_of


@dataclass(kw_only=True)
class Fleet:
    """A running fleet, from outside."""

    url: str
    data: DataDir
    http: httpx.Client
    client: GatewayClient
    store: redis.Redis

    def pid(self, name: str) -> int:
        """Of a child of the launcher, by its name there ("gateway", "worker-cpu", "store")."""
        records = read_run_file(self.data.children_file)["children"]
        return next(int(record["pid"]) for record in records if record["name"] == name)

    def kill(self, name: str) -> None:
        """SIGKILL a child of the launcher with everything it has started."""
        main = psutil.Process(self.pid(name))
        for process in (main, *main.children(recursive=True)):
            process.kill()


FleetFactory = Callable[..., AbstractContextManager[Fleet]]


@pytest.fixture(scope="session")
def start_fleet(weights: WeightStore, tmp_path_factory: pytest.TempPathFactory) -> FleetFactory:
    """Starts a fleet with the test weights, short leases and a port of its own."""

    @contextmanager
    def _start(*arguments: str, **settings: object) -> Iterator[Fleet]:
        folder = tmp_path_factory.mktemp("fleet")
        data = DataDir(root=folder / "data")
        environment = {
            **os.environ,  # noqa: TID251 - handed to the fleet
            **environment_of(
                data_dir=data.root,
                weights_dir=weights.root.absolute(),
                port=0,
                flower_port=0,
                **{"job_lease_seconds": 3, "job_resend_seconds": 3, **settings},
            ),
        }
        with (
            local_fleet(environment, log=folder / "up.log", arguments=arguments) as url,
            httpx.Client(base_url=url, timeout=60) as http,
            connect(_store_settings(data), role="test") as store,
        ):
            yield Fleet(url=url, data=data, http=http, client=GatewayClient(http), store=store)

    return _start


def _store_settings(data: DataDir) -> Settings:
    record = read_run_file(data.run / "store.json")
    password = data.secret("store")
    return Settings.model_validate(
        {"redis_url": f"redis://:{password}@127.0.0.1:{record['port']}/0"}
    )


@pytest.fixture(scope="session")
def photos(weights: WeightStore) -> dict[str, Path]:
    """The sample photos by id."""
    samples: Sequence[tuple[str, Path]] = [
        (sample.id, weights.path(sample.file)) for sample in load_catalogue().samples.values()
    ]
    return dict(samples)
