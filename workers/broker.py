"""Kombu's Redis transport, made to outlive a broker that dies while messages are being worked on.

A worker that loses its broker closes its channel, and the channel wants to put back what is in
work. Where its connection has been taken apart by then, Kombu 5.7 fails with an AttributeError that
nobody expects, and Celery ends the worker. What is in work needs no putting back: the broker still
has it as unacknowledged, and the job store brings the jobs back by their leases.
"""

from typing import Any

import structlog
from kombu.transport import redis

_log = structlog.get_logger()


class PatientQoS(redis.QoS):
    """Leaves unacknowledged messages to the broker when there is no way to reach it."""

    def restore_unacked(self, client: Any = None) -> None:  # noqa: ANN401 - Kombu's signature
        """Put messages back, unless the connection is gone."""
        if client is None and self.channel.connection.client is None:
            _log.warning("broker.messages_left", messages=len(self._delivered))
            self._delivered.clear()
            return
        super().restore_unacked(client)  # type: ignore[no-untyped-call]  # Kombu is untyped


class PatientChannel(redis.Channel):
    """A channel with that habit, which also makes one client of its pool and not one per call."""

    QoS = PatientQoS
    #: Made at the first call.
    _plain_client: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401 - Kombu's signature
        """A client of the channel's pool: making one takes a tenth of publishing a message."""
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call]  # as above
        made = self._plain_client
        if made is None or made.connection_pool is not self.pool:
            made = self._plain_client = super()._create_client()  # type: ignore[no-untyped-call]  # as above
        return made


class Transport(redis.Transport):
    """What the setting `broker_transport` names."""

    Channel = PatientChannel
