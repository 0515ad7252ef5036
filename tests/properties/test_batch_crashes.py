"""Gateway and worker are killed around every call they make for a batch; it ends all the same."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.batches.world import World, world
from tests.properties.mortal_batch import MOMENTS, NAMES, Life
from workers.batches.records import BatchCounts, BatchState
from workers.batches.scripts import BATCH_PREFIX
from workers.connections.client import connect
from workers.settings.process import Settings

pytestmark = [pytest.mark.redis, pytest.mark.fleet]


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@pytest.fixture(scope="module")
def fallen(valkey_port: int, root: Path, blobs: Path) -> Iterator[World]:
    """A store in which gateway and worker have died at every moment, each over its own batch."""
    settings = Settings(redis_url=SecretStr(f"redis://127.0.0.1:{valkey_port}/3"))
    with connect(settings, role="test") as client:
        client.flushdb()
        command = [sys.executable, "-m", "tests.properties.mortal_batch"]
        command += ["--port", str(valkey_port), "--blobs", str(blobs)]
        subprocess.run(command, cwd=root, check=True, timeout=120)
        yield world(client)
        client.flushdb()


@pytest.mark.parametrize("moment", MOMENTS, ids="-".join)
def test_whoever_dies_the_batch_ends_and_each_item_once(
    fallen: World, blobs: Path, moment: tuple[str, str]
) -> None:
    life = Life(fallen, blobs, moment=("", ""))
    life.batch = f"batch_{MOMENTS.index(moment):032x}"
    # The client asks again, as long as it got no answer.
    life.submit()
    for _ in range(3):
        if fallen.batches.get(life.batch).state.is_final:
            break
        fallen.lose()
        life.feeder.tend(100)
        for due in fallen.jobs.waiting_in("cpu.bulk", 1000):
            life.work(due.id)

    ended = fallen.batches.get(life.batch)
    assert ended.state is BatchState.SUCCEEDED
    assert ended.counts == BatchCounts(total=len(NAMES), succeeded=len(NAMES))
    assert fallen.client.hget(BATCH_PREFIX + life.batch, "done") == str(len(NAMES))
    items = fallen.batches.items(life.batch).items
    assert all(item.result_json for item in items)
    # At most one was begun with when it happened.
    assert sorted(item.tries for item in items) in ([1, 1, 1], [1, 1, 2])
    assert not fallen.client.smembers(BATCH_PREFIX + life.batch + ":chunks")
