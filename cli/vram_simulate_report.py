"""What `facesocial vram simulate` prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from vram.simulator.report import Comparison, enough_mib
from vram.simulator.trace import Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """A load, and what became of it."""

    trace: Trace
    #: What is assumed.
    notes: Sequence[str]
    #: What a card needs besides the room for models, MiB.
    around_mib: int
    #: On the card that was asked for, if one was; and on ten sizes, if they were.
    at_capacity: Comparison | None
    by_size: Sequence[Comparison]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        trace = self.trace
        return {
            "trace": {
                "name": trace.name,
                "requests": len(trace.requests),
                "seconds": round(trace.seconds, 1),
                "working_set_mib": trace.working_set_mib,
                "models": {
                    model.id: {
                        "vram_mib": model.vram_mib,
                        "load_ms": round(model.load_ms, 1),
                        "gpu_ms": round(model.gpu_ms, 2),
                        "cpu_ms": round(model.cpu_ms, 2),
                        "priority": model.priority,
                        "has_fallback": model.has_fallback,
                    }
                    for model in trace.models.values()
                },
            },
            "at_capacity": self.at_capacity.as_json() if self.at_capacity else None,
            "by_size": [one.as_json() for one in self.by_size],
            "enough_mib": self.enough_mib(),
            "besides_models_mib": self.around_mib,
            "notes": list(self.notes),
        }

    def enough_mib(self) -> dict[str, int | None]:
        """By policy, the smallest of the ten sizes that serves 99 of 100 requests itself."""
        if not self.by_size:
            return {}
        return {policy: enough_mib(self.by_size, policy) for policy in self.by_size[0].served}


def print_simulation(simulation: Simulation, console: Console) -> None:
    """Tables, and below them what is assumed."""
    trace = simulation.trace
    console.print(
        f"{trace.name}: {len(trace.requests)} requests in {trace.seconds:.0f} s for"
        f" {len(trace.models)} models that take {trace.working_set_mib} MiB together.",
        soft_wrap=True,
        highlight=False,
    )
    if found := simulation.at_capacity:
        console.print(
            f"With {found.capacity_mib} MiB for models; at best {found.bound_ms / 1000:.1f} s of"
            " work:"
        )
        console.print(_policies_table(found))
    if simulation.by_size:
        console.print("Work by room for models: seconds, and share of requests on the CPU:")
        console.print(_sizes_table(simulation.by_size))
        for policy, size in simulation.enough_mib().items():
            console.print(
                _verdict(policy, size, simulation.around_mib), soft_wrap=True, highlight=False
            )
    refused = simulation.at_capacity.refused if simulation.at_capacity else {}
    for policy, count in refused.items():
        console.print(f"{policy}: {count} requests could not be served anywhere.")
    for note in simulation.notes:
        console.print(note, soft_wrap=True, highlight=False)


def _verdict(policy: str, size_mib: int | None, around_mib: int) -> str:
    if size_mib is None:
        return f"{policy}: more than one request in a hundred leaves every card tried."
    return (
        f"{policy}: {size_mib} MiB for models serve 99 of 100 requests on the card;"
        f" with driver, context and headroom that is a card of {size_mib + around_mib} MB."
    )


def _policies_table(found: Comparison) -> Table:
    # Nine columns have to fit into 80 characters.
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("policy", no_wrap=True)
    for column in ("work s", "loading s", "hits", "loads", "evicted", "on CPU", "p50 ms", "p99 ms"):
        table.add_column(column, justify="right", no_wrap=True)
    for policy, one in found.served.items():
        table.add_row(
            policy,
            f"{one.work_ms / 1000:.1f}",
            f"{one.load_ms / 1000:.1f}",
            f"{one.hit_rate:.1%}",
            str(one.loads),
            str(one.evictions),
            f"{one.cpu_share:.1%}",
            f"{one.latency_ms(50):.0f}",
            f"{one.latency_ms(99):.0f}",
        )
    return table


def _sizes_table(by_size: Sequence[Comparison]) -> Table:
    table = Table()
    for column in ("MiB", *by_size[0].served, "at best"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in by_size:
        works = [
            f"{served.work_ms / 1000:.1f} {served.cpu_share:.0%}" for served in one.served.values()
        ]
        table.add_row(str(one.capacity_mib), *works, f"{one.bound_ms / 1000:.1f}")
    return table
