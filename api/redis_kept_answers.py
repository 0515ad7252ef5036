"""Answers kept on Redis or Valkey: one key each, deleted by the server when its time is over."""

import json
from dataclasses import asdict
from typing import Any, cast

import redis

from api.kept_answers import KEPT_SECONDS, UNDERWAY_SECONDS, KeptAnswer, Underway
from workers.connections.calls import translated

PREFIX = "fs:{idempotency}:"


class RedisKeptAnswers:
    """KeptAnswers on a client with `decode_responses`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def begin(self, name: str, fingerprint: str) -> KeptAnswer | None:
        """See KeptAnswers."""
        text = _text_of(Underway(fingerprint=fingerprint, answer=None))
        with translated():
            # One command: stored where there was nothing, else what there was.
            before = self._client.set(PREFIX + name, text, nx=True, get=True, ex=UNDERWAY_SECONDS)
        return _underway_of(cast("str", before)).told(fingerprint) if before else None

    def keep(self, name: str, fingerprint: str, answer: KeptAnswer) -> None:
        """See KeptAnswers."""
        text = _text_of(Underway(fingerprint=fingerprint, answer=answer))
        with translated():
            self._client.set(PREFIX + name, text, ex=KEPT_SECONDS)

    def forget(self, name: str) -> None:
        """See KeptAnswers."""
        with translated():
            self._client.delete(PREFIX + name)


def _text_of(underway: Underway) -> str:
    return json.dumps(asdict(underway))


def _underway_of(text: str) -> Underway:
    kept: dict[str, Any] = json.loads(text)
    answer = kept["answer"]
    return Underway(
        fingerprint=kept["fingerprint"], answer=KeptAnswer(**answer) if answer else None
    )
