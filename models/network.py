"""A model that is loaded: its catalogue entry and its graphs, ready to run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.contract import InferenceSession
from models.spec import ModelSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """What every network family is built from."""

    spec: ModelSpec
    #: The model's own graph.
    session: InferenceSession
    #: The graphs of `spec.parts`, by id.
    parts: Mapping[str, InferenceSession] = field(default_factory=dict)
