"""Which processes make up the fleet of one machine: settings in, children out. Starts nothing."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cli.errors import LauncherError
from cli.launcher.embedded_store import STORE_GRACE_SECONDS, EmbeddedStore
from cli.launcher.ports import LOOPBACK
from cli.launcher.processes import Command
from cli.launcher.readiness import FileThere, HttpReady
from cli.launcher.supervisor import Child
from workers.heartbeat import heartbeat_path
from workers.settings.process import PREFIX, Settings, environment_of

#: Where the top-level packages are: first on every child's path, whatever else is installed.
ROOT = Path(__file__).resolve().parents[2]
#: The soft shutdown gives running jobs 30 s (`worker_soft_shutdown_timeout`), then come children.
_WORKER_GRACE_SECONDS = 45.0
#: Imports on a slow disk, and a hash of every weight file.
_WORKER_READY_SECONDS = 180.0
_GATEWAY_GRACE_SECONDS = 35.0
#: Settings the fleet sets by itself: a child gets them from here or not at all.
_SET_HERE = frozenset(
    {
        "data_dir",
        "weights_dir",
        "device",
        "flower_user",
        "flower_password",
        "require_gpu",
        # Of the gateway, of nobody else.
        "gateway_secret",
        "development_key",
        "client_key",
    }
)
#: Variables that would change our children behind our back: other settings of the same programs.
_FOREIGN_PREFIXES = (PREFIX, "FLOWER_", "CELERY_", "GUNICORN_", "WEB_CONCURRENCY", "REMAP_SIGTERM")
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is known when the fleet is put together."""

    settings: Settings
    #: The environment to start from; what would change our programs is taken out.
    base_environment: Mapping[str, str]
    #: Store for the children, password included.
    redis_url: str
    #: Ports that were checked.
    port: int
    flower_port: int
    #: None: no monitor.
    flower_password: str | None
    flower_cookie_secret: str
    #: Known to the gateway only.
    gateway_secret: str
    #: None: there is none, since nobody is asked who he is or others reach the gateway.
    development_key: str | None
    #: "cuda:0", "sim:6144": one GPU worker for each.
    gpus: tuple[str, ...]
    #: Cores this machine lets us use.
    cores: int

    @property
    def gateway_url(self) -> str:
        """Where the gateway is reached from this machine."""
        # A wildcard address is reached on loopback.
        wildcards = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - compared, never bound
        host = wildcards.get(self.settings.host, self.settings.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def fleet(plan: Plan) -> tuple[tuple[Child, ...], ...]:
    """Stages in start order; the store, if it is ours, comes before them."""
    monitor = (_flower(plan),) if plan.flower_password is not None else ()
    gpu_workers = tuple(_gpu_worker(plan, index, gpu) for index, gpu in enumerate(plan.gpus))
    return (
        (*monitor, _beat(plan)),
        (_cpu_worker(plan), *gpu_workers),
        (_gateway(plan),),
    )


def environment_for(plan: Plan) -> dict[str, str]:
    """What every process of the fleet gets, before what is its own."""
    return {
        **{name: value for name, value in plan.base_environment.items() if not _is_foreign(name)},
        **_handed_on(plan),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


def forget_heartbeats(plan: Plan) -> None:
    """Delete what earlier workers left, so that a file says its worker is ready."""
    for device in ("cpu", *plan.gpus):
        heartbeat_path(plan.settings.data_dir.absolute(), device).unlink(missing_ok=True)


def store_child(store: EmbeddedStore) -> Child:
    """The embedded store as a child: first up, last down."""
    return Child(
        name="store",
        start=store.launch,
        ready=store.is_ready,
        # Reading a large file of commands takes a while.
        ready_seconds=120,
        stop_grace_seconds=STORE_GRACE_SECONDS,
    )


def visible_gpus(gpus: tuple[str, ...], base_environment: Mapping[str, str]) -> tuple[str, ...]:
    """The cards CUDA_VISIBLE_DEVICES allows, counted in PCI bus order; all when it is not set.

    Raises:
        LauncherError: it names cards by something else than their index.
    """
    allowed = base_environment.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return gpus
    names = [name.strip() for name in allowed.split(",") if name.strip()]
    if names and names[0] == "-1":
        return ()
    if not all(name.isdigit() for name in names):
        raise LauncherError(
            f"CUDA_VISIBLE_DEVICES={allowed} can't be followed. Name cards by index, as "
            "`nvidia-smi` counts them."
        )
    return tuple(f"cuda:{name}" for name in names if f"cuda:{name}" in gpus)


def _gateway(plan: Plan) -> Child:
    return Child(
        name="gateway",
        start=_python(
            plan,
            ("gunicorn", "--config", "python:api.gunicorn_config", "api.wsgi:create()"),
            environment_of(
                host=plan.settings.host,
                port=plan.port,
                gateway_secret=plan.gateway_secret,
                **({"development_key": plan.development_key} if plan.development_key else {}),
            ),
        ),
        ready=HttpReady(url=f"{plan.gateway_url}/health/ready"),
        stop_grace_seconds=_GATEWAY_GRACE_SECONDS + plan.settings.drain_seconds,
    )


def _cpu_worker(plan: Plan) -> Child:
    automatic = max(1, plan.cores // plan.settings.ort_threads)
    return _worker(
        plan,
        name="worker-cpu",
        node="cpu",
        device="cpu",
        concurrency=plan.settings.worker_concurrency or automatic,
    )


def _gpu_worker(plan: Plan, index: int, device: str) -> Child:
    return _worker(
        plan, name=f"worker-gpu{index}", node=f"gpu{index}", device=device, concurrency=1
    )


def _worker(plan: Plan, *, name: str, node: str, device: str, concurrency: int) -> Child:
    threads = str(plan.settings.ort_threads)
    return Child(
        name=name,
        start=_python(
            plan,
            _celery(
                # Without -Q: the device's settings name its queues, in the order of service.
                "worker",
                *("-n", f"{node}@%h"),
                # Gossip leaks lists in Redis and mingling delays the start; neither serves us.
                *("--without-gossip", "--without-mingle"),
                *("--concurrency", str(concurrency)),
                *("-l", plan.settings.log_level),
            ),
            {
                # A simulated device and the CPU serve beside the card that is required.
                **environment_of(
                    device=device,
                    require_gpu=plan.settings.require_gpu and device.startswith("cuda:"),
                ),
                # Soft shutdown: the job at hand goes back to the queue after its grace.
                "REMAP_SIGTERM": "SIGQUIT",
                # A process per core, so each library keeps to its own.
                "OMP_NUM_THREADS": threads,
                "OPENBLAS_NUM_THREADS": threads,
                "MKL_NUM_THREADS": threads,
                # The order NVML counts in, so that "cuda:1" is the same card to both.
                "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
                **({} if device.startswith("cuda:") else {"CUDA_VISIBLE_DEVICES": "-1"}),
            },
        ),
        ready=FileThere(path=heartbeat_path(plan.settings.data_dir.absolute(), device)),
        ready_seconds=_WORKER_READY_SECONDS,
        stop_grace_seconds=_WORKER_GRACE_SECONDS,
    )


def _beat(plan: Plan) -> Child:
    schedule = plan.settings.data_dir.absolute() / "run" / "beat-schedule"
    arguments = ("beat", "-s", str(schedule), "--pidfile=", "-l", plan.settings.log_level)
    return Child(name="beat", start=_python(plan, _celery(*arguments), {}))


def _flower(plan: Plan) -> Child:
    user, password = plan.settings.flower_user, plan.flower_password
    if "," in f"{user}{password}" or ":" in user:
        raise LauncherError("Flower takes no comma in its user or password and no colon in user.")
    environment = {
        "FLOWER_ADDRESS": LOOPBACK,
        "FLOWER_PORT": str(plan.flower_port),
        "FLOWER_BASIC_AUTH": f"{user}:{password}",
        "FLOWER_COOKIE_SECRET": plan.flower_cookie_secret,
        "FLOWER_READ_ONLY": "true",
        "FLOWER_PERSISTENT": "false",
        # The default of 100,000 grows to gigabytes.
        "FLOWER_MAX_TASKS": "5000",
    }
    return Child(name="flower", start=_python(plan, _celery("flower"), environment))


def _celery(*arguments: str) -> tuple[str, ...]:
    # Quiet: no page of banner in front of each process's first line.
    return ("celery", "-q", "-A", "workers.app:app", *arguments)


def _python(plan: Plan, module: tuple[str, ...], own: Mapping[str, str]) -> Command:
    return Command(
        argv=(sys.executable, "-m", *module), env={**environment_for(plan), **own}, cwd=ROOT
    )


def _handed_on(plan: Plan) -> dict[str, str]:
    """The settings somebody has set, as variables: children read no file a second time."""
    settings = plan.settings
    values: dict[str, Any] = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name in settings.model_fields_set - _SET_HERE
        if (value := getattr(settings, name)) is not None
    }
    # Absolute, since children run in another folder.
    values["data_dir"] = settings.data_dir.absolute()
    values["weights_dir"] = settings.weights_path.absolute()
    values["redis_url"] = plan.redis_url
    return environment_of(**values)


def _is_foreign(name: str) -> bool:
    return name in _FOREIGN or name.startswith(_FOREIGN_PREFIXES)
