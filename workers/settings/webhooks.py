"""The settings of webhooks; part of `workers.settings`."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from workers.settings.devices import listed

Names = Annotated[tuple[str, ...], BeforeValidator(listed)]


class WebhookSettings(BaseModel):
    """Where ends of jobs may be told to."""

    webhooks: Literal["off", "allow_list", "public"] = Field(
        default="public",
        description="Which servers may be told of ends: none, those of `webhook_allowed_hosts`, "
        "or any with a public address.",
    )
    webhook_allowed_hosts: Names = Field(
        default=(),
        description="Hosts that may be told, as in `url_allowed_hosts`.",
    )
    webhook_allowed_networks: Names = Field(
        default=(),
        description="Networks that may be told although they are not public, such as "
        "`127.0.0.0/8` for a receiver on the same machine.",
    )
    webhook_plain_http: bool = Field(
        default=False, description="Whether an address may be `http://`, which anybody can read."
    )
    webhook_seconds: Annotated[float, Field(ge=1, le=60)] = Field(
        default=15.0, description="Longest time for one try."
    )

    @field_validator("webhook_allowed_networks")
    @classmethod
    def _networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            ip_network(name)
        return names
