"""A photo as JSON has it, and what the gateway calls the album itself."""

import base64
from collections.abc import Callable

import pytest

from api.services import Services


@pytest.fixture
def image(photo: Callable[..., bytes]) -> str:
    return base64.b64encode(photo()).decode()


@pytest.fixture
def uid(parts: Services) -> str:
    return parts.identities.collections.get("local", "album").uid
