"""`facesocial analyze`: photos to faces in this process, without a server."""

import json
from pathlib import Path
from typing import Annotated, Protocol

import typer
from pydantic import ValidationError

from cli.annotate import annotate, picture_names
from cli.command_logs import log_to_stderr
from cli.errors import CliError
from cli.outcomes import Outcome, WrongOption, make_folder, photo_bar, show_outcomes
from cli.plain_console import PlainConsole
from models.catalogue import load_catalogue
from models.errors import InferenceFailed
from workers.answers.analysis import AnalysisAnswer
from workers.choices import check_names
from workers.contract import ALL_ANALYSES, ANALYSES, DEFAULT_ANALYSES, AnalyzeOptions
from workers.errors import ImageRejected
from workers.settings.process import load_settings

Model = Annotated[str | None, typer.Option(metavar="NAME", help="Another model than the default.")]


class Analyser(Protocol):
    """Analyses an encoded image."""

    def analyze(self, content: bytes, options: AnalyzeOptions) -> AnalysisAnswer:
        """See workers.photos.pipeline.FacePipeline."""
        ...


class AnalysisFailed(CliError):
    """A photo could not be analysed."""


def analyze(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO...", help="JPEG, PNG or WebP files.")
    ],
    analyses: Annotated[
        str, typer.Option(help=f"Of {', '.join(ANALYSES)}, with commas between; or all.")
    ] = ",".join(DEFAULT_ANALYSES),
    engine: Annotated[str, typer.Option(help="What finds faces: auto, or an engine.")] = "auto",
    max_faces: Annotated[int, typer.Option(help="Largest faces kept.")] = 10,
    min_confidence: Annotated[
        float | None, typer.Option(help="Of detection; the engine's own when not given.")
    ] = None,
    recognition_model: Model = None,
    anti_spoofing_model: Model = None,
    deepfake_model: Model = None,
    demographics_model: Model = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the faces on copies in this folder.")
    ] = None,
    *,
    accurate: Annotated[bool, typer.Option("--accurate", help="Prefer the best engine.")] = False,
    tiles: Annotated[bool, typer.Option("--tiles", help="Look for tiny faces too.")] = False,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Print embeddings.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Analyse photos without a server.

    The models have to be there: `facesocial models pull` fetches them.
    """
    log_to_stderr("error")
    options = _options(
        analyses=_expanded(analyses),
        engine=engine,
        max_faces=max_faces,
        min_confidence=min_confidence,
        recognition_model=recognition_model,
        anti_spoofing_model=anti_spoofing_model,
        deepfake_model=deepfake_model,
        demographics_model=demographics_model,
        detection_priority="accuracy" if accurate else "speed",
        tiles=tiles,
        return_embeddings=embeddings,
    )
    if pictures is not None:
        make_folder(pictures)
    pipeline = _pipeline()
    with photo_bar(len(photos)) as advance:
        outcomes = []
        for photo, name in zip(photos, picture_names(photos), strict=True):
            picture = None if pictures is None else pictures / name
            outcomes.append(_analyse(pipeline, photo, options, picture))
            advance()
    if as_json:
        print(json.dumps(outcomes, indent=2))
    else:
        show_outcomes(outcomes, PlainConsole())
    if failed := [outcome["file"] for outcome in outcomes if "error" in outcome]:
        raise AnalysisFailed(f"{len(failed)} of {len(photos)} photos could not be analysed.")


def _expanded(analyses: str) -> list[str]:
    """The names between the commas, with `all` for every one; what is none stays, to be refused."""
    names = [name.strip() for name in analyses.split(",")]
    return [each for name in names for each in (ANALYSES if name == ALL_ANALYSES else (name,))]


def _options(**members: object) -> AnalyzeOptions:
    try:
        options = AnalyzeOptions.model_validate(members)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise WrongOption(f"--{option}: {first['msg']}.") from None
    check_names(options, load_catalogue())
    return options


def _pipeline() -> Analyser:
    """The models are loaded when the first photo needs them."""
    # Other commands need no inference libraries, which take a second to import.
    from cli.in_process import open_pipeline  # noqa: PLC0415 - see above

    return open_pipeline(load_settings())


def _analyse(
    pipeline: Analyser, photo: Path, options: AnalyzeOptions, picture: Path | None
) -> Outcome:
    try:
        content = photo.read_bytes()
    except OSError as error:
        message = f"It can't be read: {error.strerror}."
        return {"file": str(photo), "error": {"code": "file_unreadable", "message": message}}
    try:
        answer = pipeline.analyze(content, options)
    except ImageRejected as error:
        return {"file": str(photo), "error": {"code": error.code, "message": str(error)}}
    except InferenceFailed as error:
        return {"file": str(photo), "error": {"code": "inference_failed", "message": str(error)}}
    result = answer.model_dump(mode="json", exclude_unset=True)
    if picture is not None:
        annotate(photo, result, picture)
    return {"file": str(photo), "result": result}
