"""Settings of every process: read once, frozen, wrong or unknown names refused.

Entry points call `load_settings()`: the composition roots `api.wsgi` and `workers.app`, gunicorn's
configuration, and the commands. Everything else is handed what it needs. This is the only module
that reads the environment.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from workers.contract import Analysis
from workers.errors import SettingsError
from workers.settings.devices import GpuSettings, listed
from workers.settings.gateway import GatewaySettings
from workers.settings.identities import IdentitySettings

PREFIX = "FACESOCIAL_"
#: Names a TOML file with the same settings in lower case; variables win over the file.
CONFIG_VARIABLE = "FACESOCIAL_CONFIG"
#: Names a folder with one file per setting (Compose and Kubernetes secrets); variables win.
SECRETS_VARIABLE = "FACESOCIAL_SECRETS_DIR"


class GeneralSettings(BaseModel):
    """What does not concern devices."""

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("facesocial"),
        description="Everything kept on disk: embedded store, blobs, weights, logs.",
    )
    weights_dir: Path | None = Field(
        default=None, description="Model weights; default `<data_dir>/weights`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe level that is logged."
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="`json` for one JSON object a line."
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis >= 7.2 or Valkey >= 8: broker, jobs, ledger. `noeviction`, AOF on.",
    )
    redis_timeout_seconds: Annotated[float, Field(gt=0, le=30)] = Field(
        default=2.0, description="Longest wait for one answer of the store."
    )
    blob_url: str | None = Field(
        default=None,
        description="Where images wait for processing: `file:///...`, `s3://...`, `gs://...`, "
        "`az://...`; default `<data_dir>/blobs`.",
    )
    blob_orphan_seconds: Annotated[int, Field(ge=60)] = Field(
        default=900, description="An image without a job is deleted after this time."
    )

    host: str = Field(default="127.0.0.1", description="Address the gateway listens on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8000, description="Port the gateway listens on."
    )
    gateway_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Gateway processes."
    )
    gateway_connections: Annotated[int, Field(ge=16, le=65_536)] = Field(
        default=2048,
        description="Connections per gateway process; three quarters of them may wait (`?wait=`, "
        "events, WebSockets).",
    )
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        default=1.0,
        description="How long a gateway that was told to stop goes on serving while "
        "`/health/ready` answers 503: longer than a load balancer takes to notice.",
    )
    upload_seconds: Annotated[float, Field(ge=5, le=3600)] = Field(
        default=60.0, description="Longest time from a request's first byte to its last."
    )
    max_image_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=10 * 1024 * 1024, description="Largest image file accepted."
    )
    max_image_pixels: Annotated[int, Field(ge=1024)] = Field(
        default=40_000_000, description="Most pixels an accepted image may have."
    )
    max_wait_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=25.0, description="Longest `?wait=`; longer waits are cut to it."
    )
    max_waiting_jobs: Annotated[int, Field(ge=1)] = Field(
        default=10_000, description="Jobs that may wait before new ones get `queue_full`."
    )

    job_lease_seconds: Annotated[float, Field(ge=1, le=600)] = Field(
        default=15.0, description="A worker silent for this long loses its job to another."
    )
    job_max_attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        default=3, description="Attempts without an end before a job fails as `poisoned`."
    )
    job_resend_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=15.0,
        description="A queued job's wake-up is sent again after this time, doubling up to 15 min.",
    )
    result_ttl_seconds: Annotated[int, Field(ge=60)] = Field(
        default=86_400, description="How long a finished job can be read."
    )
    job_events_kept: Annotated[int, Field(ge=100)] = Field(
        default=10_000, description="Length of the job event stream."
    )

    disabled_analyses: Annotated[tuple[Analysis, ...], BeforeValidator(listed)] = Field(
        default=(), description="Analyses nobody may ask for, separated by commas."
    )
    demographics_answers: Literal["per_face", "aggregate_only"] = Field(
        default="per_face",
        description="`aggregate_only`: age and gender of nobody in particular, only counts of "
        "groups that are large enough.",
    )
    anti_spoofing_cpu: Literal["allow", "refuse"] = Field(
        default="allow",
        description="Whether anti-spoofing may run on the CPU; where it may not, it answers "
        "nothing rather than `live`. A simulated device counts as a GPU.",
    )

    worker_concurrency: Annotated[int, Field(ge=0, le=256)] = Field(
        default=0,
        description="Processes of a CPU worker; 0 = one per core with `facesocial up`, else one "
        "(GPU workers: always one).",
    )
    ort_threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="ONNX Runtime threads per worker process."
    )
    task_time_limit_seconds: Annotated[int, Field(ge=10)] = Field(
        default=300, description="A task running longer than this is killed."
    )

    flower_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=5555, description="Port of the monitor (Flower), on loopback."
    )
    flower_user: str = Field(default="facesocial", description="User name for Flower.")
    flower_password: SecretStr | None = Field(
        default=None, description="Password for Flower; `facesocial up` makes one when unset."
    )


class Settings(GpuSettings, GatewaySettings, IdentitySettings, GeneralSettings):
    """Everything that can be set. Each field is `FACESOCIAL_<FIELD>` or a key of the TOML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @property
    def weights_path(self) -> Path:
        """The folder of the weight store."""
        return self.weights_dir or self.data_dir / "weights"

    @property
    def blob_location(self) -> str:
        """URL of the blob store."""
        return self.blob_url or (self.data_dir / "blobs").absolute().as_uri()

    @property
    def identity_keys_location(self) -> str:
        """URL of the key vault."""
        return self.identity_keys_url or (self.data_dir / "identity-keys").absolute().as_uri()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process.

    Args:
        environ: Variables to read; the process environment when not given.

    Raises:
        SettingsError: a variable is unknown or a value is wrong; the message names it.
    """
    environ = os.environ if environ is None else environ  # noqa: TID251 - the one reader
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if path := given.pop(CONFIG_VARIABLE, None):
        _take(values, origin, _read_toml(Path(path)), f"{path}: ")
    if path := given.pop(SECRETS_VARIABLE, None):
        _take(values, origin, _read_secrets(Path(path)), f"{path}/")
    variables = {name.removeprefix(PREFIX).lower(): value for name, value in given.items()}
    _take(values, origin, variables, PREFIX)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = str(first["loc"][0])
        raise SettingsError(f"{origin.get(field, field)} is wrong: {first['msg']}.") from None


def environment_of(**values: object) -> dict[str, str]:
    """The variables that hand these settings to a child process.

    Raises:
        SettingsError: a name is no setting.
    """
    for name in values:
        _check_known(name, name)
    # No names are the default, and a variable is not left empty.
    return {PREFIX + name.upper(): _written(v) for name, v in values.items() if v not in ((), {})}


def _written(value: object) -> str:
    """A value as a variable holds it: with commas between, as `listed` and `paired` read it."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={one}" for name, one in value.items())
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _take(
    values: dict[str, Any], origin: dict[str, str], found: Mapping[str, Any], where: str
) -> None:
    for name, value in found.items():
        place = where + (name.upper() if where == PREFIX else name)
        _check_known(name, place)
        if value == "":
            raise SettingsError(f"{place} is empty. Give it a value or remove it.")
        values[name] = value
        origin[name] = place


def _check_known(name: str, place: str) -> None:
    if name in Settings.model_fields:
        return
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    hint = f" Did you mean {PREFIX}{close[0].upper()}?" if close else ""
    raise SettingsError(f"{place} is not a setting.{hint} See docs/reference/settings.md.")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"{CONFIG_VARIABLE} names {path}, which can't be read: {error}."
        ) from None


def _read_secrets(folder: Path) -> dict[str, str]:
    try:
        files = [path for path in folder.iterdir() if path.is_file()]
        return {path.name: path.read_text(encoding="utf-8").strip() for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{SECRETS_VARIABLE} names {folder}, which can't be read: {error}."
        ) from None
