"""Which buckets a request draws from, and how much: the settings, applied."""

from collections.abc import Iterator

from api.endpoint import Bucket
from api.limits.limiter import Cost, Policy, Unit
from api.principal import Principal
from workers.settings.process import Settings

_MINUTE = 60
_HOUR = 3600
_MEGABYTE = 1_000_000


class Rules:
    """Which costs there are.

    Args:
        settings: The numbers; 0 makes a policy disappear.
    """

    def __init__(self, settings: Settings) -> None:
        self._roles = frozenset(settings.limit_roles)
        self._user = _policy("user", settings.limit_user_per_minute, _MINUTE)
        self._key = _policy("key", settings.limit_key_per_minute, _MINUTE)
        self._address = _policy("address", settings.limit_address_per_minute, _MINUTE)
        self._logins = _policy("login", settings.limit_logins_per_minute, _MINUTE)
        self._images = _policy("images", settings.limit_images_per_hour, _HOUR, "images")
        self._batches = _policy("batches", settings.limit_batches_per_hour, _HOUR, "batches")
        upload_bytes = settings.limit_upload_mb_per_hour * _MEGABYTE
        self._upload = _policy("upload", upload_bytes, _HOUR, "content-bytes")

    def of_request(
        self, bucket: Bucket, caller: Principal, address: str, *, upload_bytes: int
    ) -> tuple[Cost, ...]:
        """What a request costs before its body is looked at.

        Args:
            bucket: Of the endpoint.
            caller: Who asks; of kind "none" where no credential was looked at.
            address: Where it comes from, or the network that is counted as one.
            upload_bytes: As its head says; 0: it does not.
        """
        if bucket == "free":
            return ()
        if caller.kind == "none":
            return self.of_stranger(address, is_login=bucket == "login")
        if caller.role not in self._roles:
            return ()
        return (
            *_cost(self._user, caller.user_id),
            *_cost(self._key, caller.credential_id),
            *(_cost(self._batches, caller.user_id) if bucket == "batch" else ()),
            *self._work(caller, images=int(bucket == "analysis"), upload_bytes=upload_bytes),
        )

    def of_work(self, caller: Principal, *, images: int, upload_bytes: int) -> tuple[Cost, ...]:
        """What turned out to be in a request."""
        if caller.kind == "none" or caller.role not in self._roles:
            return ()
        return tuple(self._work(caller, images=images, upload_bytes=upload_bytes))

    def of_stranger(self, address: str, *, is_login: bool = False) -> tuple[Cost, ...]:
        """What a request without a valid credential costs."""
        logins = _cost(self._logins, address) if is_login else ()
        return (*_cost(self._address, address), *logins)

    def _work(self, caller: Principal, *, images: int, upload_bytes: int) -> Iterator[Cost]:
        if images:
            yield from _cost(self._images, caller.user_id, images)
        if upload_bytes:
            yield from _cost(self._upload, caller.user_id, upload_bytes)


def _policy(name: str, quota: int, window_seconds: int, unit: Unit = "requests") -> Policy | None:
    if not quota:
        return None
    return Policy(name=name, quota=quota, window_seconds=window_seconds, unit=unit)


def _cost(policy: Policy | None, subject: str, amount: int = 1) -> tuple[Cost, ...]:
    return (Cost(policy=policy, subject=subject, amount=amount),) if policy else ()
