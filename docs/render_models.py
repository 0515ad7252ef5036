"""The catalogue as pages: one table of all models, one section for each, and the names."""
# ruff: noqa: INP001 - documents are no package.

from collections.abc import Iterator, Mapping

from models.catalogue import Catalogue, load_catalogue
from models.spec import ModelSpec, PinnedFile, Source, TensorContract, UnpinnedFile
from models.weights.records import how_to_import

_MEGABYTE = 1_000_000


def models_table() -> str:
    """Every model with task, profile, licence and size."""
    rows = [
        "| id | task | profile | licence | commercial use | MB |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| [`{spec.id}`](#{spec.id}) | {spec.task} | {spec.profile} | {spec.licence} |"
        f" {'yes' if spec.commercial_use else 'no'} | {_megabytes(spec)} |"
        for spec in _ordered(load_catalogue())
    ]
    return "\n".join(rows)


def model_sections() -> str:
    """What each model is, where its weights come from, and what its graph promises."""
    catalogue = load_catalogue()
    return "\n\n".join("\n".join(_section(spec, catalogue)) for spec in _ordered(catalogue))


def names_table() -> str:
    """Names that stand for models, or for none."""
    rows = ["| name | stands for |", "|---|---|"]
    for name, choice in sorted(load_catalogue().names.items(), key=lambda item: item[0].lower()):
        models = ", ".join(f"`{model}`" for model in choice.models)
        rows.append(f"| `{name}` | {models or choice.reason} |")
    return "\n".join(rows)


def samples_table() -> str:
    """The sample photos."""
    rows = ["| id | photo | licence | source |", "|---|---|---|---|"]
    for sample in load_catalogue().samples.values():
        sources = "; ".join(map(_source, sample.file.sources))
        faces = "one face" if sample.faces == 1 else f"{sample.faces} faces"
        rows.append(f"| `{sample.id}` | {sample.title}, {faces} | {sample.licence} | {sources} |")
    return "\n".join(rows)


def _ordered(catalogue: Catalogue) -> list[ModelSpec]:
    return sorted(
        catalogue.models.values(), key=lambda spec: (spec.profile == "full", spec.task, spec.id)
    )


def _section(spec: ModelSpec, catalogue: Catalogue) -> Iterator[str]:
    yield f"### `{spec.id}`"
    yield ""
    yield f"{spec.title}."
    yield ""
    if spec.aliases:
        yield "- Also called " + ", ".join(f"`{alias}`" for alias in spec.aliases) + "."
    yield f"- Licence: {spec.licence}."
    yield from _file(spec, spec.file)
    yield "- Prepared." if not spec.prepare.is_identity else "- Run as published."
    if spec.parts:
        yield "- Runs too: " + ", ".join(f"`{part}`" for part in spec.parts) + "."
    if spec.pixels is not None:
        yield f"- Pixels: {_pixels(spec)}."
    if spec.template is not None:
        yield f"- Aligned to `{spec.template}`."
    if spec.crop is not None:
        yield (
            f"- Crop: {spec.crop.shape}, {spec.crop.scale:g} times the box,"
            f" outside the frame {spec.crop.outside}."
        )
    yield "- In: " + _tensors(spec.inputs)
    yield "- Out: " + _tensors(spec.outputs)
    if spec.labels:
        yield "- Classes, by index: " + ", ".join(spec.labels) + "."
    if spec.id in catalogue.thresholds:
        points = ", ".join(
            f"{point.similarity:g} (FAR {point.far:g}, TAR {point.tar:.4f})"
            for point in catalogue.thresholds[spec.id].points
        )
        yield f"- Thresholds: {points}; {catalogue.thresholds[spec.id].origin}."


def _file(spec: ModelSpec, file: PinnedFile | UnpinnedFile) -> Iterator[str]:
    if isinstance(file, UnpinnedFile):
        yield f"- File: `{file.name}`, no published hash. {file.why}"
        if file.git_blob_sha1 is not None:
            yield f"- Git blob `{file.git_blob_sha1}`, checked at the import."
        if file.urls:
            yield "- Found at: " + ", ".join(f"<{url}>" for url in file.urls)
    else:
        yield f"- File: `{file.name}`, sha256 `{file.sha256}`."
        yield from (f"- Source: {_source(source)}." for source in file.sources)
        if file.sources:
            return
    yield f"- No source delivers it: `{how_to_import(spec)}`."


def _source(source: Source) -> str:
    match source.kind:
        case "pypi":
            return f"`{source.distribution}` {source.version} on PyPI, `{source.member}`"
        case "npm":
            return f"`{source.package}` {source.version} on npm, `{source.member}`"
        case "url":
            urls = ", ".join(f"<{url}>" for url in source.urls)
            return urls if source.member is None else f"{urls}, `{source.member}`"


def _pixels(spec: ModelSpec) -> str:
    pixels = spec.pixels
    if pixels is None:
        return ""
    mean, std = (
        ", ".join(f"{value:g}" for value in values) for values in (pixels.mean, pixels.std)
    )
    return f"{pixels.colour.upper()}, (x - {mean}) / {std}, {pixels.axes.upper()}"


def _tensors(tensors: Mapping[str, TensorContract]) -> str:
    return "; ".join(
        f"`{name}` {tensor.dtype} [{', '.join(map(str, tensor.dims))}]"
        for name, tensor in tensors.items()
    )


def _megabytes(spec: ModelSpec) -> str:
    file = spec.file
    if isinstance(file, UnpinnedFile):
        return (
            "?" if file.size_hint_bytes is None else f"about {file.size_hint_bytes / _MEGABYTE:.0f}"
        )
    return "?" if file.size_bytes is None else f"{file.size_bytes / _MEGABYTE:.3g}"
