from pathlib import Path

import pytest

from cli.errors import StoreFailed
from cli.launcher.store_binary import find_store_binary


def _nothing(_name: str) -> None:
    return None


def test_the_packaged_server_wins(tmp_path: Path) -> None:
    packaged = tmp_path / "valkey-server"
    packaged.touch()

    assert find_store_binary([packaged], lambda _: "/usr/bin/other") == packaged


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_without_it_the_path_is_searched(tmp_path: Path, name: str) -> None:
    programs = {name: f"/usr/bin/{name}"}

    assert find_store_binary([tmp_path / "gone"], programs.get) == Path(f"/usr/bin/{name}")


def test_without_any_the_message_says_what_to_do() -> None:
    with pytest.raises(StoreFailed, match=r"facesocial\[local\].*FACESOCIAL_REDIS_URL"):
        find_store_binary([], _nothing)
