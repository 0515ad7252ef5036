"""The settings of what users touch: accounts, limits, jobs, batches, live; see `workers.settings`.

Numbers are those of the requirements where they agree; see docs/reference/limits.md for the rest.
"""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from workers.settings.accounts import PeopleSettings
from workers.settings.forms import FormSettings, LimitSettings, Names
from workers.settings.webhooks import WebhookSettings


class AccountSettings(BaseModel):
    """Who may call the gateway."""

    auth: Literal["required", "off"] = Field(
        default="required",
        description="`off`: everybody who reaches the gateway may do everything. Only on a "
        "loopback address and by such a name, unless `auth_off_anywhere` says otherwise.",
    )
    auth_off_anywhere: bool = Field(
        default=False,
        description="Let `auth=off` stand on an address others can reach, or behind a proxy.",
    )
    development_key: Annotated[SecretStr, Field(min_length=24)] | None = Field(
        default=None,
        description="An API key with every right, taken on a loopback address only; "
        "`facesocial up` makes and prints one.",
    )
    client_key: SecretStr | None = Field(
        default=None, description="The API key that `facesocial` commands send to a gateway."
    )
    gateway_secret: Annotated[SecretStr, Field(min_length=32)] | None = Field(
        default=None,
        description="Known to gateways only: seals signing keys and the like in the store. "
        "`facesocial up` and `deploy/make-secrets.sh` make one; without it a gateway with "
        "accounts does not start.",
    )
    token_algorithm: Literal["RS256", "Ed25519"] = Field(
        default="RS256", description="How new signing keys sign access tokens."
    )
    access_token_seconds: Annotated[int, Field(ge=60, le=86_400)] = Field(
        default=3600, description="How long an access token lives."
    )
    signing_key_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=30, description="How long a key signs access tokens before a new one does."
    )
    keys_per_user: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50, description="API keys that one user may have at a time."
    )
    audit_entries_kept: Annotated[int, Field(ge=1000)] = Field(
        default=100_000, description="About how many entries the audit log keeps."
    )
    usage_kept_days: Annotated[int, Field(ge=1, le=3660)] = Field(
        default=400, description="How long calls by day can be read."
    )


class JobSettings(BaseModel):
    """What concerns jobs beyond their way through the workers."""

    result_cache_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=3600,
        description="For how long the same photo with the same options is answered with the "
        "result it had; 0: it is always analysed anew.",
    )
    result_cache_shared: bool = Field(
        default=False,
        description="Whether such an answer may be one that another user's photo had.",
    )
    expired_jobs_known_seconds: Annotated[int, Field(ge=60)] = Field(
        default=604_800,
        description="For how long a job that has expired or was deleted is answered with "
        "`job_expired` rather than `job_not_found`.",
    )


class InputSettings(BaseModel):
    """What may be sent beyond single photos, and from where it may be fetched."""

    max_video_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=50 * 1024 * 1024, description="Largest video file accepted."
    )
    max_video_seconds: Annotated[float, Field(ge=1, le=600)] = Field(
        default=30.0, description="Longest accepted video; the worker finds out."
    )
    max_video_pixels: Annotated[int, Field(ge=1024)] = Field(
        default=4096 * 2304,
        description="Most pixels of a video's frames; a decoder may hold 16 of them.",
    )
    max_json_bytes: Annotated[int, Field(ge=65_536)] = Field(
        default=32 * 1024 * 1024,
        description="Largest JSON body with files in base64, which is held in memory; larger "
        "files are sent as forms.",
    )
    url_inputs: Literal["off", "allow_list", "public"] = Field(
        default="off",
        description="Whether photos and videos may be named by URL, which the gateway fetches: "
        "`allow_list` from the hosts of `url_allowed_hosts` only, `public` from any public "
        "address.",
    )
    url_allowed_hosts: Names = Field(
        default=(),
        description="Hosts to fetch from, with commas between: `example.org`, `.example.org` "
        "for all below it, `example.org:8443` for another port than 80 and 443.",
    )
    url_allowed_networks: Names = Field(
        default=(),
        description="Networks that may be fetched from although they are not public, such as "
        "`10.1.2.0/24`, with commas between.",
    )
    url_seconds: Annotated[float, Field(ge=0.1, le=60)] = Field(
        default=10.0, description="Longest time for fetching one URL, redirects included."
    )

    @field_validator("url_allowed_networks")
    @classmethod
    def _networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            ip_network(name)
        return names


class BatchSettings(BaseModel):
    """What concerns bulk work and resumable uploads."""

    batch_max_items: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=100_000, description="Most items of a batch."
    )
    batch_open_seconds: Annotated[int, Field(ge=60)] = Field(
        default=86_400,
        description="A batch nothing was added to for so long takes no more items.",
    )
    batch_retry_seconds: Annotated[int, Field(ge=0)] = Field(
        default=3600,
        description="How long after a batch's end its failed items can be retried; their photos "
        "are kept until then.",
    )
    batch_chunk_seconds: Annotated[float, Field(ge=1, le=120)] = Field(
        default=20.0,
        description="Items that one worker takes together are so many that they last about this "
        "long.",
    )
    batch_chunk_items: Annotated[int, Field(ge=1, le=500)] = Field(
        default=64, description="Most items that one worker takes together."
    )
    batch_chunks_waiting: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2,
        description="How many times that of one batch waits in the queues for a worker. More "
        "follow as workers take them.",
    )
    batch_form_files: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="Most files of one form; archives take more."
    )
    archive_max_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=20 * 2**30, description="Most bytes an archive may unpack to."
    )
    archive_max_ratio: Annotated[int, Field(ge=2)] = Field(
        default=100,
        description="Most bytes an archive may unpack to for each of its own; photos don't shrink.",
    )
    upload_max_bytes: Annotated[int, Field(ge=1024, le=2**40)] = Field(
        default=10 * 2**30, description="Largest resumable upload."
    )
    upload_ttl_seconds: Annotated[int, Field(ge=60)] = Field(
        default=86_400, description="How long a resumable upload is kept from its creation on."
    )
    upload_quota_count: Annotated[int, Field(ge=1)] = Field(
        default=1000, description="Most unexpired resumable uploads of one user."
    )
    upload_quota_bytes: Annotated[int, Field(ge=1024, le=2**50)] = Field(
        default=20 * 2**30,
        description="Most bytes of one user's unexpired resumable uploads together, as announced.",
    )


class LiveSettings(BaseModel):
    """What concerns WebSockets."""

    live_connections: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=50, description="WebSocket connections of one user, in all processes together."
    )
    live_frames_in_flight: Annotated[int, Field(ge=1, le=16)] = Field(
        default=2, description="Frames of one connection that are analysed at a time."
    )
    live_fps: Annotated[float, Field(ge=0.1, le=120)] = Field(
        default=15.0, description="How often a connection's frames are analysed at most."
    )
    live_frame_seconds: Annotated[float, Field(ge=1, le=600)] = Field(
        default=30.0, description="A frame that was not analysed by then is given up."
    )
    live_message_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = Field(
        default=2 * 1024 * 1024, description="Largest WebSocket message."
    )
    live_idle_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=300.0, description="A connection for frames that sends no message is closed."
    )
    live_heartbeat_seconds: Annotated[float, Field(ge=1, le=300)] = Field(
        default=20.0, description="A silent connection is asked for a sign of life."
    )


class GatewaySettings(
    WebhookSettings,
    AccountSettings,
    PeopleSettings,
    LimitSettings,
    JobSettings,
    InputSettings,
    BatchSettings,
    LiveSettings,
    FormSettings,
):
    """Everything users touch."""
