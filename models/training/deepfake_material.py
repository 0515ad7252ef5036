"""What deepfake heads are fitted to: labelled faces, and the encoder's features of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.contract import InferenceSession
from models.detection.search import FaceSearch, SearchOptions
from models.detection.yunet import DEFAULT_CONFIDENCE, YuNet
from models.graphs.prepare import prepare
from models.network import Network
from models.session import open_session
from models.spec import ModelSpec, PinnedFile
from models.training.deepfake_candidates import Candidate
from models.training.deepfake_data import (
    VIEWS,
    Crops,
    Finder,
    block_outputs,
    joined,
    part,
    patch_of,
    read_features,
)
from models.training.deepfake_heads import Features
from models.training.forensics import forensic_features
from models.weights.store import WeightStore


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Material:
    """What heads are fitted to."""

    crops: Crops
    #: (N, blocks, D) by view.
    features: Mapping[str, Features]
    #: (N, D)
    forensics: Features

    def views_of(self, candidate: Candidate) -> list[Features]:
        """The candidate's features by view, each (N, D)."""
        if not candidate.blocks:
            return [self.forensics]
        count = len(self.crops.files)
        return [
            self.features[view][:, list(candidate.blocks)].reshape(count, -1)
            for view in candidate.views
        ]

    def rows(self, wanted: NDArray[np.bool_]) -> "Material":
        """Some of the faces."""
        return Material(
            crops=part(self.crops, np.flatnonzero(wanted)),
            features={view: values[wanted] for view, values in self.features.items()},
            forensics=self.forensics[wanted],
        )

    def with_more(self, other: "Material") -> "Material":
        """These faces, then the others."""
        return Material(
            crops=joined(self.crops, other.crops),
            features={
                view: np.concatenate([values, other.features[view]])
                for view, values in self.features.items()
            },
            forensics=np.concatenate([self.forensics, other.forensics]),
        )


def read_material(
    crops: Crops, spec: ModelSpec, session: InferenceSession, *, cache: Path
) -> Material:
    """Read the features of all views.

    Args:
        crops: The faces.
        spec: The encoder's entry with all blocks among its outputs.
        session: Its graph.
        cache: Folder for the features of these faces.
    """
    features = {view: read_features(crops, spec, session, view=view, cache=cache) for view in VIEWS}
    count = len(crops.files)
    forensics = np.stack([forensic_features(patch_of(crops, row, spec)) for row in range(count)])
    return Material(crops=crops, features=features, forensics=forensics)


def open_encoder(store: WeightStore, spec: ModelSpec) -> tuple[ModelSpec, InferenceSession]:
    """The encoder with every block as an output.

    Raises:
        WeightsMissing: pull the model first.
        TypeError: the entry's file is not known by its hash.
    """
    contract = next(iter(spec.outputs.values()))
    whole = spec.model_copy(
        update={"outputs": dict.fromkeys(block_outputs(spec).values(), contract)}
    )
    pinned = pinned_file(spec)
    store.verify(pinned)
    return whole, open_session(prepare(store.path(pinned).read_bytes(), whole))


def open_finder(store: WeightStore, yunet: ModelSpec) -> Finder:
    """What finds faces in whole pictures, largest first.

    Raises:
        WeightsMissing: pull the model first.
    """
    session = open_session(store.prepared(yunet))
    search = FaceSearch(YuNet(Network(spec=yunet, session=session)))
    options = SearchOptions(min_confidence=DEFAULT_CONFIDENCE, max_faces=1)
    return lambda image: search.find(image, options).faces


def pinned_file(spec: ModelSpec) -> PinnedFile:
    """The entry's file.

    Raises:
        TypeError: it is not known by its hash.
    """
    if not isinstance(spec.file, PinnedFile):
        raise TypeError(f"{spec.id}: a head needs an encoder that is known by its hash.")
    return spec.file
