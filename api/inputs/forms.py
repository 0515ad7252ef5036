"""What an endpoint for analyses takes: its files, its options, and other names for both."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from api.inputs.naming import NamingMembers
from workers.jobs.options import JobKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A place for a file, or for several."""

    name: str
    #: Other names it may be sent under.
    aliases: tuple[str, ...] = ()
    #: How many files it takes; none where something else may be sent in their place.
    fewest: int = 1
    most: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        """All its names."""
        return (self.name, *self.aliases)

    def url_name(self, name: str) -> str:
        """The member that holds a URL in place of the file."""
        return (
            f"{name.removesuffix('[]').removesuffix('s')}_urls" if self.most > 1 else f"{name}_url"
        )

    @property
    def members(self) -> Mapping[str, str]:
        """Every member that may hold it, with the member for its URL."""
        return {name: self.url_name(name) for name in self.names}


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixed:
    """An option others have that can't be chosen here."""

    #: Values that ask for what is done anyway, in lower case.
    accepted: tuple[str, ...]
    #: Why no other is taken, and what to do.
    reason: str

    def takes(self, value: object) -> bool:
        """Whether a value asks for what is done anyway."""
        return not isinstance(value, (list, dict)) and str(value).lower() in self.accepted


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What one endpoint takes."""

    kind: JobKind
    #: Of the stored options.
    model: type[BaseModel]
    slots: tuple[Slot, ...]
    media: Literal["image", "video"] = "image"
    #: Options the endpoint has decided.
    implied: Mapping[str, Any] = field(default_factory=dict)
    #: Options whose default differs from the model's.
    defaults: Mapping[str, Any] = field(default_factory=dict)
    #: Other names for options.
    aliases: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Fixed] = field(default_factory=dict)
    #: Members that ask who the faces are; None: the endpoint can't tell.
    naming: type[NamingMembers] | None = None
    #: Further members, which are no options.
    further: type[BaseModel] | None = None

    @property
    def options(self) -> Collection[str]:
        """Names of the options that may be sent."""
        return [name for name in self.model.model_fields if name not in {"kind", *self.implied}]

    @property
    def most_files(self) -> int:
        """How many files a request has at most."""
        return sum(slot.most for slot in self.slots)
