"""`facesocial demo`: the whole system on real photos, from nothing to faces, and down again."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from cli.annotate import annotate
from cli.errors import CliError
from cli.face_table import FACE_HEADINGS, face_cells
from cli.launcher.fleet import ROOT
from cli.local_fleet import LocalFleet, local_fleet
from cli.plain_console import PlainConsole
from client import Client
from models.catalogue import load_catalogue
from models.spec import SampleSpec
from models.weights.store import WeightStore
from workers.settings.process import Settings, environment_of, load_settings

#: Time for a photo, the start of the workers' processes included.
JOB_SECONDS = 120


class DemoFailed(CliError):
    """The demo did not work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoResult:
    """One photo and what came back."""

    sample: SampleSpec
    photo: Path
    job: Mapping[str, Any]

    @property
    def faces(self) -> Sequence[Mapping[str, Any]]:
        """The faces of the answer, largest first."""
        faces: Sequence[Mapping[str, Any]] = self.job["result"]["faces"]
        return faces


def demo(
    out: Annotated[Path, typer.Option(help="Where pictures and results.json go.")] = Path(
        "build/demo"
    ),
    simulate_gpu: Annotated[
        int | None, typer.Option(metavar="MB", min=1, help="Add a simulated GPU worker.")
    ] = None,
) -> None:
    """Find the faces in two sample photos, and clean up.

    Fetches weights and photos, starts everything, analyses the photos and stops everything.
    """
    # Otherwise a terminated demo would leave its fleet's data behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = PlainConsole()
    settings = load_settings()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="facesocial-demo-") as state:
        _demo(out, settings, Path(state), simulate_gpu=simulate_gpu, console=console)


def _demo(
    out: Path, settings: Settings, state: Path, *, simulate_gpu: int | None, console: Console
) -> None:
    environment = {
        **os.environ,  # noqa: TID251 - handed to the children
        **environment_of(
            data_dir=state, weights_dir=settings.weights_path.absolute(), port=0, flower_port=0
        ),
    }
    _pull(environment)
    started = time.monotonic()
    arguments = [] if simulate_gpu is None else ["--simulate-gpu", str(simulate_gpu)]
    console.print("Starting store, workers, gateway and monitor ...")
    with local_fleet(environment, log=out / "up.log", arguments=arguments) as fleet:
        up_seconds = time.monotonic() - started
        results = _analyse(fleet, settings)
        work_seconds = time.monotonic() - started - up_seconds
    for result in results:
        annotate(result.photo, result.job["result"], out / f"{result.sample.id}.png")
    _write_results(out / "results.json", results)
    console.print(_table(results))
    console.print(f"Started in {up_seconds:.1f} s, analysed in {work_seconds:.1f} s.")
    console.print(f"Pictures and results.json are in {out}.")
    _check(results)


def _pull(environment: Mapping[str, str]) -> None:
    argv = (sys.executable, "-m", "cli.main", "models", "pull", "--samples")
    if subprocess.run(argv, cwd=ROOT, env=dict(environment), check=False).returncode:  # noqa: S603 - ours
        raise DemoFailed("The weights or sample photos could not be had, for the reason above.")


def _analyse(fleet: LocalFleet, settings: Settings) -> list[PhotoResult]:
    weights = WeightStore(settings.weights_path)
    samples = list(load_catalogue().samples.values())
    # Not through a proxy: it is this machine we ask.
    transport = httpx.HTTPTransport(trust_env=False)
    with Client(fleet.url, key=fleet.key, transport=transport) as client:
        photos = [weights.path(sample.file) for sample in samples]
        # All are sent before the first is waited for: the fleet works on them side by side.
        sent = [client.analyze(photo, analyses="all") for photo in photos]
        ended = [client.wait(job, timeout_seconds=JOB_SECONDS) for job in sent]
    return [
        PhotoResult(sample=sample, photo=photo, job=job.model_dump(mode="json"))
        for sample, photo, job in zip(samples, photos, ended, strict=True)
    ]


def _write_results(path: Path, results: Sequence[PhotoResult]) -> None:
    body = {
        result.sample.id: {
            "file": result.sample.file.name,
            "faces_expected": result.sample.faces,
            "faces_found": len(result.faces),
            "job": result.job,
        }
        for result in results
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def _table(results: Sequence[PhotoResult]) -> Table:
    table = Table(title="Faces", caption=_caption(results))
    for heading in ("photo", *FACE_HEADINGS):
        table.add_column(heading, no_wrap=True)
    for result in results:
        for face in result.faces:
            table.add_row(result.sample.id, *face_cells(face))
    return table


def _caption(results: Sequence[PhotoResult]) -> str:
    """What is the same for every face."""
    devices = {result.job["result"]["device"] for result in results}
    embeddings = {
        f"{face['recognition']['model']}, {face['recognition']['embedding_size']}-d"
        for result in results
        for face in result.faces
    }
    return f"Ran on: {', '.join(sorted(devices))}. Embeddings: {', '.join(sorted(embeddings))}."


def _check(results: Sequence[PhotoResult]) -> None:
    """Refuse to call a wrong answer a success."""
    for result in results:
        for name, reason in result.job["result"]["unavailable"].items():
            raise DemoFailed(f"{result.photo.name}: no {name}. {reason['message']}")
        found, expected = len(result.faces), result.sample.faces
        if found != expected:
            raise DemoFailed(f"{result.photo.name}: found {found} faces, there are {expected}.")
        for face in result.faces:
            if not _landmarks_inside(face):
                raise DemoFailed(f"{result.photo.name}: landmarks lie outside their face's box.")


def _landmarks_inside(face: Mapping[str, Any]) -> bool:
    box = face["bbox"]
    return all(
        0 <= point["x"] - box["x"] <= box["width"] and 0 <= point["y"] - box["y"] <= box["height"]
        for point in face["landmarks"].values()
    )
