"""`facesocial vram`: what is on the devices, and why."""

import json
import time
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from cli.connection import connected
from cli.plain_console import PlainConsole
from cli.vram_explanation import explanation
from cli.vram_simulate import simulate
from cli.vram_table import tables_of
from client import Client, GatewayAway, Overloaded

app = typer.Typer(help="Look at the memory of devices.", no_args_is_help=True)
app.command()(simulate)

#: Answers of the gateway come in milliseconds; a hung one is away.
_ANSWER_SECONDS = 10.0

Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The gateway.", show_default="the one on this machine"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@app.command()
def top(
    *,
    url: Url = None,
    interval: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.2, help="Between two looks.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Watch what every device holds; end with Ctrl-C."""
    console = PlainConsole()
    with connected(url) as gateway:
        if as_json:
            print(json.dumps(_look(gateway), indent=2))
        elif once:
            console.print(tables_of(_look(gateway)))
        else:
            _watch(gateway, console, interval)


@app.command()
def explain(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's id.")],
    *,
    url: Url = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Latest events told.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Tell why a model is where it is, and what would have to happen to change that."""
    with connected(url) as gateway:
        models = gateway.call("GET", "/api/v1/system/models")["models"]
        found = next((one for one in models if one["id"] == model), None)
        if found is None:
            known = ", ".join(one["id"] for one in models)
            raise typer.BadParameter(f"there is no model '{model}'. There are: {known}")
        devices = gateway.call("GET", "/api/v1/system/vram")["devices"]
        events = gateway.call(
            "GET", "/api/v1/system/events", query={"model": model, "limit": limit}
        )["events"]
    told = explanation(found, devices, events)
    if as_json:
        print(json.dumps({"model": found, "explanation": told, "events": events}, indent=2))
        return
    console = PlainConsole()
    for line in told:
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _watch(gateway: Client, console: Console, interval_seconds: float) -> None:
    with (
        suppress(KeyboardInterrupt),
        Live(console=console, screen=console.is_terminal, auto_refresh=False) as live,
    ):
        while True:
            try:
                shown: Any = tables_of(_look(gateway))
            except (GatewayAway, Overloaded) as error:
                shown = str(error)
            live.update(shown, refresh=True)
            time.sleep(interval_seconds)


def _look(gateway: Client) -> dict[str, Any]:
    return {
        "vram": gateway.call("GET", "/api/v1/system/vram")["devices"],
        **gateway.call("GET", "/api/v1/system/devices"),
    }
