import socket

import pytest

from cli.errors import PortTaken
from cli.launcher.ports import LOOPBACK, free_port, is_free, require_port


def test_a_taken_port_is_refused_with_the_option_that_changes_it() -> None:
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen()
        port = stranger.getsockname()[1]

        assert not is_free(port)
        with pytest.raises(PortTaken, match=rf"{port}.*--port"):
            require_port(port, host=LOOPBACK, option="--port")


def test_port_0_becomes_a_free_one() -> None:
    port = require_port(0, host=LOOPBACK, option="--port")

    assert port >= 1024
    assert is_free(port)


def test_a_free_port_is_taken_as_it_is() -> None:
    port = free_port()

    assert require_port(port, host=LOOPBACK, option="--port") == port
