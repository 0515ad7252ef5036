"""What `facesocial up` says once everything runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, kw_only=True, slots=True)
class Whereabouts:
    """Where to click."""

    gateway_url: str
    #: None: no monitor runs.
    flower_url: str | None
    flower_user: str
    flower_password: str
    logs: Path
    #: "embedded", or the host of the store that was given.
    store: str
    #: "cuda:0", "sim:6144"; empty: all work is the CPU's.
    gpus: tuple[str, ...]
    auth: Literal["required", "off"]
    #: None: there is none.
    development_key: str | None


def show_banner(console: Console, where: Whereabouts) -> None:
    """Print a panel with the addresses, and first commands to try."""
    rows = Table.grid(padding=(0, 2))
    rows.add_row("Gateway", where.gateway_url)
    if where.flower_url:
        rows.add_row("Monitor", where.flower_url)
        rows.add_row("", f"user {where.flower_user}, password {where.flower_password}")
    rows.add_row("Devices", ", ".join(("CPU", *map(_device, where.gpus))))
    rows.add_row("Store", where.store)
    rows.add_row("Logs", str(where.logs))
    if where.auth == "off":
        rows.add_row("Access", "off: whoever reaches the gateway may do everything")
    elif where.development_key:
        rows.add_row("Key", f"{where.development_key} (all rights, on this machine only)")
    else:
        rows.add_row("Access", "make an administrator with `facesocial users create`")
    console.print(Panel(rows, title="FaceSocial is up", title_align="left", expand=False))
    curl = (
        "curl" if where.auth == "off" else f"curl -H 'X-API-Key: {where.development_key or 'KEY'}'"
    )
    post = f"{curl} -F image=@photo.jpg {where.gateway_url}/api/v1/face/analyze"
    read = f"{curl} '{where.gateway_url}/api/v1/jobs/JOB_ID?wait=20'"
    # Outside the frame and never broken, to be copied whole.
    console.print(Text(f"Try:   {post}\nThen:  {read}\nStop:  Ctrl-C"), soft_wrap=True)


def _device(gpu: str) -> str:
    kind, _, rest = gpu.partition(":")
    size, _, _ = rest.partition(":")
    return f"simulated GPU of {size} MB (computes on the CPU)" if kind == "sim" else gpu
