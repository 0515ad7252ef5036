"""The model catalogue: what each model is, where its weights come from, what its graph promises.

The data is the TOML files in `entries/`. Nothing here touches weights or tensors, so the gateway
may import it.
"""

import tomllib
from collections.abc import Iterable
from functools import cache, cached_property
from importlib import resources
from typing import Any

from pydantic import Field, ValidationError

from models.errors import CatalogueError, NoWeightsKnown, UnknownModel
from models.spec import (
    Entry,
    ModelSpec,
    PinnedFile,
    Profile,
    SampleSpec,
    Task,
    VerificationThresholds,
)


class NamedChoice(Entry):
    """A name users know that stands for one of several models, or for none we have."""

    #: Ids, best first; the first whose weights are installed is meant.
    models: tuple[str, ...] = ()
    #: Why there is no model behind the name.
    reason: str | None = None


class Catalogue(Entry):
    """All models and sample photos, by id."""

    models: dict[str, ModelSpec]
    samples: dict[str, SampleSpec] = Field(default_factory=dict)
    #: Ids of the models that do a task unless another is asked for, best first: the first whose
    #: weights are installed is used.
    defaults: dict[Task, tuple[str, ...]] = Field(default_factory=dict)
    #: Names of engines and of the models' documents that are no id: see NamedChoice.
    names: dict[str, NamedChoice] = Field(default_factory=dict)
    #: Task -> id -> weight of the models that vote together.
    ensembles: dict[Task, dict[str, float]] = Field(default_factory=dict)
    #: Measured thresholds of recognition models, by id; of an ensemble, by its members' ids joined
    #: by "+".
    thresholds: dict[str, VerificationThresholds] = Field(default_factory=dict)

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

    def resolve(self, name: str, task: Task | None = None) -> tuple[ModelSpec, ...]:
        """The models a name may stand for, best first: one for an id or alias, several for others.

        Where one of several is to be run, the first whose weights are installed is meant.

        Args:
            name: An id, an alias, or one of `names`.
            task: Only models that do this; a name may stand for models of several tasks.

        Raises:
            NoWeightsKnown: users know the name, but there are no weights behind it for that task;
                the message says why.
            UnknownModel: nobody knows it; the message lists the ids there are.
        """
        choice = self.names.get(name)
        if choice is None:
            return (self.model(name),)
        found = tuple(self.models[model] for model in choice.models)
        fitting = tuple(spec for spec in found if task in (None, spec.task))
        if fitting:
            return fitting
        if found:
            raise NoWeightsKnown(f"'{name}' stands for no model that does '{task}'.")
        raise NoWeightsKnown(f"There are no weights for '{name}'. {choice.reason}")

    def of_profile(self, profile: Profile) -> tuple[ModelSpec, ...]:
        """The models of a profile: `full` has those of `lite` too."""
        return tuple(
            spec for spec in self.models.values() if profile == "full" or spec.profile == "lite"
        )

    def for_task(self, task: Task) -> ModelSpec:
        """The model that does a task where everything is installed.

        Raises:
            UnknownModel: no model is the default for that task.
        """
        for name in self.defaults.get(task, ()):
            return self.model(name)
        raise UnknownModel(f"No model in the catalogue does '{task}'.")

    def with_parts(self, spec: ModelSpec) -> tuple[ModelSpec, ...]:
        """The model and the further graphs it runs."""
        return (spec, *(self.models[part] for part in spec.parts))


def fetchable(specs: Iterable[ModelSpec]) -> list[PinnedFile]:
    """The files of models that a source delivers; the others are imported by hand."""
    files = (spec.file for spec in specs)
    return [file for file in files if isinstance(file, PinnedFile) and file.sources]


def parse_catalogue(*texts: str) -> Catalogue:
    """Read a catalogue from TOML texts, which are taken as one.

    Raises:
        CatalogueError: the texts are no valid catalogue; the message names the entry and field.
    """
    try:
        raw = _merge([tomllib.loads(text) for text in texts])
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
    _check_references(catalogue)
    _check_profiles(catalogue)
    return catalogue


def _merge(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """One document; an entry that two of them have is an error."""
    merged: dict[str, Any] = {}
    for document in documents:
        for section, entries in document.items():
            doubled = merged.setdefault(section, {}).keys() & entries.keys()
            if doubled:
                raise CatalogueError(f"{section}.{min(doubled)} is in the catalogue twice.")
            merged[section].update(entries)
    return merged


def _check_references(catalogue: Catalogue) -> None:
    """Every id that an entry names must be there."""
    named = [
        *((f"defaults.{task}", ids) for task, ids in catalogue.defaults.items()),
        *((f"names.{name}", choice.models) for name, choice in catalogue.names.items()),
        *((f"ensembles.{task}", tuple(weights)) for task, weights in catalogue.ensembles.items()),
        *((f"models.{spec.id}.parts", spec.parts) for spec in catalogue.models.values()),
        *((f"thresholds.{key}", tuple(key.split("+"))) for key in catalogue.thresholds),
    ]
    for where, ids in named:
        for name in ids:
            if name not in catalogue.models:
                raise CatalogueError(f"{where} names '{name}', which is no model's id.")
    for name in catalogue.names:
        if name in catalogue._by_name:  # noqa: SLF001 - the same class's lookup
            raise CatalogueError(f"names.{name} is a model's id or alias as well.")


def _check_profiles(catalogue: Catalogue) -> None:
    """What `lite` promises, and that a name without models says why it has none."""
    for spec in catalogue.of_profile("lite"):
        file = spec.file
        kinds = {source.kind for source in file.sources} if isinstance(file, PinnedFile) else set()
        if not kinds & {"pypi", "npm"}:
            raise CatalogueError(
                f"models.{spec.id} is in the profile lite, but no package registry has its file."
            )
    for name, choice in catalogue.names.items():
        if not choice.models and choice.reason is None:
            raise CatalogueError(f"names.{name} has neither models nor a reason.")


@cache
def load_catalogue() -> Catalogue:
    """The catalogue that ships with this version: all files in `models/entries`."""
    folder = resources.files("models").joinpath("entries")
    files = sorted((file for file in folder.iterdir()), key=lambda file: file.name)
    return parse_catalogue(
        *(file.read_text(encoding="utf-8") for file in files if file.name.endswith(".toml"))
    )
