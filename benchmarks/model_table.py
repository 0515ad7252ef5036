"""A report on the models' speed for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_models(report: Mapping[str, Any], console: Console) -> None:
    """Print one table for each model, then session starts and decoding."""
    machine, setup = report["machine"], report["setup"]
    console.print(
        f"{report['measured_at']}, {machine['cpu']} ({', '.join(machine['features'])}),"
        f" {machine['onnxruntime']}, {setup['ort_threads']} threads, {setup['clock']} time,"
        f" load {machine['load_average_1m']}."
    )
    for name, model in report["models"].items():
        console.print(_speeds(name, model))
        for reason in model["refused"].values():
            console.print(reason, soft_wrap=True)
    console.print(_starts(report["models"]))
    for size, decoding in report["decoding"].items():
        times = ", ".join(f"{name} {ms} ms" for name, ms in decoding["ms"].items())
        console.print(f"JPEG {size}: {times}", soft_wrap=True)


def _speeds(name: str, model: Mapping[str, Any]) -> Table:
    batches = list(model["per_second"]["fp32"])
    table = Table("graph", *(f"batch {batch}" for batch in batches), title=name)
    for variant, rates in model["per_second"].items():
        gains = model["times_fp32_at_1"][variant]
        table.add_row(
            variant, *(f"{rates[batch]:.1f}/s (x{gains[batch]:.2f})" for batch in batches)
        )
    table.caption = f"{model['rounds']} rounds"
    return table


def _starts(models: Mapping[str, Any]) -> Table:
    table = Table("model", "graph", "plain ms", "optimised before ms", title="Session start")
    for name, model in models.items():
        for variant, times in model["session_start_ms"].items():
            table.add_row(name, variant, f"{times['plain']}", f"{times['optimised']}")
    return table
