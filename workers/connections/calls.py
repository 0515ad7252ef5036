"""What adapters of Redis share: scripts, errors told as ours, and answers as text."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources

import redis
from redis.commands.core import Script

from workers.errors import StoreRefused, StoreUnavailable

#: Errors a server answers while it can't work; all others are faults of ours.
AWAY = ("OOM", "LOADING", "READONLY", "MISCONF", "NOAUTH", "NOPERM", "MASTERDOWN", "BUSY")


def scripts_of(
    client: redis.Redis, package: str, names: Sequence[str], *, preludes: Sequence[str] = ()
) -> dict[str, Script]:
    """The scripts in a package's folder `lua` on a client, by name; its prelude is before each.

    Args:
        client: It sends them.
        package: For example "api.accounts".
        names: Of the files, without their ending.
        preludes: Packages whose preludes come before the package's own.
    """
    before = "".join(_lua(each, "prelude") for each in (*preludes, package))
    return {name: client.register_script(before + _lua(package, name)) for name in names}


def _lua(package: str, name: str) -> str:
    file = resources.files(package) / "lua" / f"{name}.lua"
    return file.read_text(encoding="utf-8")


@contextmanager
def translated() -> Iterator[None]:
    """Raise StoreUnavailable, or StoreRefused where nothing was stored, for errors of Redis."""
    try:
        yield
    except redis.ResponseError as error:
        if type(error) is redis.ResponseError and not str(error).startswith(AWAY):
            raise  # a fault of ours: the store did answer
        raise StoreRefused(f"The store takes nothing now: {error}.") from error
    except redis.RedisError as error:
        raise StoreUnavailable(f"The store did not answer: {error}.") from error


def text(value: object) -> str:
    """An answer as text, whether or not the client decodes; "" for none."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)


def texts(values: Mapping[object, object]) -> dict[str, str]:
    """The same for a hash."""
    return {text(name): text(value) for name, value in values.items()}
