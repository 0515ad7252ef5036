"""The settings of the gateway's limits and of HTTP itself; part of `workers.settings`."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from workers.settings.devices import listed

#: Names separated by commas.
Names = Annotated[tuple[str, ...], BeforeValidator(listed)]
#: 0: none.
Limit = Annotated[int, Field(ge=0, le=10**9)]
#: Scheme, host and port where it isn't the usual one, as browsers write it.
_ORIGIN = re.compile(r"https?://[a-z0-9.\-\[\]:]+")


class LimitSettings(BaseModel):
    """How much one caller may ask for; 0 is no limit. See docs/reference/limits.md."""

    limit_roles: Names = Field(
        default=("user", "premium", "developer"),
        description="Roles whose callers are limited, with commas between. An administrator "
        "could change the numbers anyway.",
    )
    limit_user_per_minute: Limit = Field(
        default=1000, description="Requests of one user, by all credentials together."
    )
    limit_key_per_minute: Limit = Field(
        default=0, description="Requests by one API key or session."
    )
    limit_address_per_minute: Limit = Field(
        default=1000,
        description="Requests of one address that come without a valid credential.",
    )
    limit_logins_per_minute: Limit = Field(
        default=10,
        description="Logins, registrations and password resets that one address may try.",
    )
    limit_images_per_hour: Limit = Field(
        default=36_000,
        description="Photos of one user, of batches too; a video counts as its `max_frames`.",
    )
    limit_batches_per_hour: Limit = Field(default=10, description="Batches of one user.")
    limit_upload_mb_per_hour: Limit = Field(
        default=0, description="What one user may send in bodies, MB."
    )


class FormSettings(BaseModel):
    """What concerns HTTP itself."""

    trusted_proxies: Names = Field(
        default=(),
        description="Addresses or networks of the proxies in front, with commas between, such as "
        "`10.0.0.0/8`; `unix` for one on a socket. Only they are believed what they say in "
        "`X-Forwarded-For` and `X-Forwarded-Proto`.",
    )
    cors_origins: Names = Field(
        default=(),
        description="Origins whose pages may call the gateway from a browser, exactly as browsers "
        "name them: `https://app.example.org`, with commas between.",
    )
    cors_credentials: bool = Field(
        default=False,
        description="Whether browsers may send those pages' cookies and certificates along. "
        "Nothing here needs them.",
    )
    cors_max_age_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=600, description="How long a browser remembers what it may send."
    )
    hsts_seconds: Annotated[int, Field(ge=0)] = Field(
        default=31_536_000,
        description="Behind TLS, how long browsers never come without it; 0: it is not said.",
    )
    compress_bytes: Annotated[int, Field(ge=0)] = Field(
        default=1024,
        description="JSON and text larger than this are compressed for clients that take gzip; "
        "0: nothing is.",
    )
    access_log: bool = Field(default=True, description="Whether each request is logged.")

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name != "unix":
                ip_network(name)
        return names

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [name for name in names if not _ORIGIN.fullmatch(name)]
        if wrong:
            raise PydanticCustomError("origin", f"'{wrong[0]}' is no origin")
        return names
