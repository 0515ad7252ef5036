"""The broker's transport outlives the loss of its connection with messages in work."""

from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Queue

from workers.broker import Transport

pytestmark = pytest.mark.redis


@pytest.fixture
def connection(valkey_port: int) -> Iterator[Connection]:
    with Connection(f"redis://127.0.0.1:{valkey_port}/3", transport=Transport) as opened:
        yield opened


def _in_work(connection: Connection) -> Any:  # noqa: ANN401 - Kombu is untyped
    """A channel that holds a message nobody has acknowledged."""
    channel = connection.channel()
    queue = Queue("in_work", channel=channel)
    queue.declare()
    queue.purge()
    connection.Producer(channel).publish({"job": 1}, routing_key="in_work", serializer="json")
    assert queue.get() is not None
    return channel


def test_a_channel_whose_connection_is_gone_closes_and_leaves_its_messages(
    connection: Connection,
) -> None:
    channel = _in_work(connection)
    transport = connection.transport
    client, transport.client = transport.client, None

    channel.close()

    transport.client = client
    assert Queue("in_work", channel=connection.channel()).get() is None


def test_a_channel_that_is_closed_in_order_puts_its_messages_back(connection: Connection) -> None:
    channel = _in_work(connection)

    channel.close()

    assert Queue("in_work", channel=connection.channel()).get() is not None
