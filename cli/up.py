"""`facesocial up`: everything on this machine, with one command."""

import importlib.util
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from api.exposure import is_loopback, require_safe_address
from cli.connection import DEVELOPMENT_KEY_SECRET
from cli.errors import LauncherError
from cli.launcher.banner import Whereabouts, show_banner
from cli.launcher.cores import usable_cores
from cli.launcher.data_dir import DataDir
from cli.launcher.embedded_store import EmbeddedStore
from cli.launcher.fleet import (
    ROOT,
    Plan,
    environment_for,
    fleet,
    forget_heartbeats,
    store_child,
)
from cli.launcher.given_store import host_of, require_store
from cli.launcher.gpus import cuda_runtime_installed, usable_gpus, with_simulated
from cli.launcher.output import Output, SteadyConsole
from cli.launcher.ports import LOOPBACK, require_port
from cli.launcher.stop_requests import stop_requests
from cli.launcher.store_binary import find_store_binary
from cli.launcher.supervisor import Child, Supervisor, end_leftovers
from cli.launcher.weights import missing_weights, pull_weights
from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from vram.nvml import list_gpus
from workers.settings.process import Settings, environment_of, load_settings


def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where everything is kept.", show_default="per user")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the gateway; 0: a free one.", show_default="8000")
    ] = None,
    flower_port: Annotated[
        int | None, typer.Option(help="Port of the monitor; 0: a free one.", show_default="5555")
    ] = None,
    simulate_gpu: Annotated[
        list[int] | None,
        typer.Option(
            metavar="MB", min=1, help="Add a GPU worker that accounts MB, on the CPU; repeatable."
        ),
    ] = None,
    flower: Annotated[bool, typer.Option(help="Run the monitor (Flower).")] = True,
) -> None:
    """Run everything on this machine until Ctrl-C.

    That is the store, the workers, the gateway and the monitor.
    """
    given = {"data_dir": data_dir, "port": port, "flower_port": flower_port}
    environment = {
        **os.environ,  # noqa: TID251 - the composition root hands the environment to its children
        **environment_of(**{name: value for name, value in given.items() if value is not None}),
    }
    settings = load_settings(environment)
    require_safe_address(settings)
    if flower and importlib.util.find_spec("flower") is None:
        raise LauncherError(
            "The monitor is not installed. Run `pip install 'facesocial[local]'`, or pass "
            "--no-flower."
        )
    console = SteadyConsole()
    gpus = usable_gpus(
        environment,
        list_gpus=list_gpus,
        has_cuda_runtime=cuda_runtime_installed,
        warn=lambda text: console.print(text, style="yellow"),
        required=settings.require_gpu,
    )
    gpus = with_simulated(gpus, simulate_gpu or ())
    clean = _run(settings, environment, gpus, flower=flower, console=console)
    raise typer.Exit(code=0 if clean else 1)


def _run(
    settings: Settings,
    environment: Mapping[str, str],
    gpus: tuple[str, ...],
    *,
    flower: bool,
    console: SteadyConsole,
) -> bool:
    """Hold the data folder while the fleet runs; tell whether it ended cleanly."""
    data = DataDir(root=settings.data_dir.absolute())
    data.create()
    with data.held():
        store = None
        adopted = None
        if "redis_url" not in settings.model_fields_set:
            store = EmbeddedStore(data, find_store_binary())
            adopted = store.prepare()
        else:
            require_store(settings.redis_url.get_secret_value())
        end_leftovers(data.children_file, spare={adopted} if adopted else ())
        plan = Plan(
            settings=settings,
            base_environment=environment,
            redis_url=store.url if store else settings.redis_url.get_secret_value(),
            port=require_port(settings.port, host=settings.host, option="--port"),
            flower_port=_flower_port(settings) if flower else 0,
            flower_password=_flower_password(settings, data) if flower else None,
            flower_cookie_secret=data.secret("flower-cookie"),
            gateway_secret=_given(settings.gateway_secret) or data.secret("gateway"),
            development_key=_development_key(settings, data),
            gpus=gpus,
            cores=usable_cores(),
        )
        data.announce(plan.gateway_url)
        _complete_weights(plan, console)
        forget_heartbeats(plan)
        stages = fleet(plan)
        return _supervise(
            ((store_child(store),), *stages) if store else stages, plan, data, console
        )


def _supervise(
    stages: tuple[tuple[Child, ...], ...], plan: Plan, data: DataDir, console: SteadyConsole
) -> bool:
    with (
        stop_requests() as requests,
        closing(Output(logs=data.logs, console=console, wake=requests.wake)) as output,
    ):
        supervisor = Supervisor(
            stages, output=output, requests=requests, children_file=data.children_file
        )
        return supervisor.run(on_up=lambda: show_banner(console, _whereabouts(plan, data)))


def _complete_weights(plan: Plan, console: SteadyConsole) -> None:
    missing = missing_weights(WeightStore(plan.settings.weights_path), load_catalogue())
    if missing:
        names = ", ".join(missing)
        console.print(f"Fetching model weights, at the first start only: {names}", soft_wrap=True)
        pull_weights(environment_for(plan), ROOT)


def _flower_port(settings: Settings) -> int:
    return require_port(settings.flower_port, host=LOOPBACK, option="--flower-port or --no-flower")


def _flower_password(settings: Settings, data: DataDir) -> str:
    return _given(settings.flower_password) or data.secret("flower")


def _development_key(settings: Settings, data: DataDir) -> str | None:
    """A key with every right, where nobody but this machine can use it."""
    if settings.auth == "off" or not is_loopback(settings.host):
        return None
    return _given(settings.development_key) or data.secret(DEVELOPMENT_KEY_SECRET, prefix="fs_dev_")


def _given(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _whereabouts(plan: Plan, data: DataDir) -> Whereabouts:
    given = "redis_url" in plan.settings.model_fields_set
    monitored = plan.flower_password is not None
    return Whereabouts(
        gateway_url=plan.gateway_url,
        flower_url=f"http://{LOOPBACK}:{plan.flower_port}" if monitored else None,
        flower_user=plan.settings.flower_user,
        flower_password=plan.flower_password or "",
        logs=data.logs,
        store=f"given, at {host_of(plan.redis_url)}" if given else "embedded",
        gpus=plan.gpus,
        auth=plan.settings.auth,
        development_key=plan.development_key,
    )
