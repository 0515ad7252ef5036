"""A model that is loaded: its catalogue entry and its graphs, ready to run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.contract import InferenceSession, close
from models.errors import CatalogueError
from models.spec import ModelSpec, PixelInput, UnpinnedFile, Variant


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """What every network family is built from."""

    spec: ModelSpec
    #: The model's own graph.
    session: InferenceSession
    #: Which of the model's graphs that is; see models.weights.variants.
    variant: Variant = "fp32"
    #: The graphs of `spec.parts`, by id.
    parts: Mapping[str, InferenceSession] = field(default_factory=dict)

    @property
    def pixels(self) -> PixelInput:
        """How the input is made of pixels, for families that leave it to the entry.

        Raises:
            CatalogueError: the entry does not say.
        """
        if self.spec.pixels is None:
            raise CatalogueError(f"models.{self.spec.id} must say `pixels`.")
        return self.spec.pixels

    @property
    def sha256(self) -> str:
        """Hash of the model's published file: the catalogue's, or the recorded one of an import.

        Raises:
            TypeError: the network was not opened from a weight store, which knows recorded hashes.
        """
        if isinstance(self.spec.file, UnpinnedFile):
            raise TypeError(f"{self.spec.id} was built from an entry without a hash.")
        return self.spec.file.sha256

    def close(self) -> None:
        """Give the memory of all its graphs back, whoever still holds this; again does nothing."""
        close(self.session, *self.parts.values())
