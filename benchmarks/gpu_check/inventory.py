"""The models a check loads: real weights where installed, else own graphs of their size."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu_check.graphs import OUTPUTS, Shape, network
from models.catalogue import Catalogue, load_catalogue
from models.memory import expected_mib
from models.run_sizes import USUAL
from models.spec import ModelSpec, PinnedFile, Preparation, TensorContract
from models.weights.store import State, WeightStore

#: All priorities and sizes of the catalogue; together more than 1,500 MiB on a card.
NAMES = (
    *("yunet", "faceplugin_liveness", "antispoofing_bin"),
    *("sface", "landmarks68", "antispoofing_print_replay", "arcface_r100"),
    *("w600k_r50", "mobilefacenet_512", "centerface", "genderage", "cydral_age"),
    *("deepfake_vit", "meso4_df", "yolov5s_face", "facesocial_deepfake"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inventory:
    """Models ready to be opened."""

    catalogue: Catalogue
    store: WeightStore
    #: Ids of those with real weights.
    real: tuple[str, ...]
    #: Ids of those with own graphs.
    own: tuple[str, ...]

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        """All of them."""
        return tuple(self.catalogue.models.values())


def make_inventory(
    folder: Path,
    installed: WeightStore | None,
    *,
    scale: float = 1.0,
    names: Sequence[str] = NAMES,
) -> Inventory:
    """Put models into a store of their own.

    Args:
        folder: For the store; must be empty.
        installed: Where real weights may be; None: own graphs for all.
        scale: Weights and pixels of own graphs as a share of the real ones', for small devices;
            below 1, no real weights are used.
        names: Which models.
    """
    catalogue = load_catalogue()
    files = folder / "made"
    files.mkdir(parents=True)
    models: dict[str, ModelSpec] = {}
    real: list[str] = []
    for seed, name in enumerate(names):
        spec = catalogue.model(name)
        path = _real_file(spec, installed) if scale >= 1 else None
        if path is None:
            models[name] = _made(spec, catalogue, files, seed=seed, scale=scale)
        else:
            (files / f"{name}.onnx").symlink_to(path)
            models[name] = spec
            real.append(name)
    check_catalogue = Catalogue(models=models)
    store = WeightStore(folder / "store", fetchers={})
    store.import_from(files, check_catalogue)
    return Inventory(
        catalogue=check_catalogue,
        store=store,
        real=tuple(real),
        own=tuple(name for name in names if name not in real),
    )


def _real_file(spec: ModelSpec, installed: WeightStore | None) -> Path | None:
    ready = (State.PRESENT, State.PREPARED)
    if installed is None or not isinstance(spec.file, PinnedFile):
        return None
    return installed.path(spec.file) if installed.model_state(spec) in ready else None


def _made(
    spec: ModelSpec, catalogue: Catalogue, files: Path, *, seed: int, scale: float
) -> ModelSpec:
    """The entry with an own graph in the place of its file."""
    ((_, contract),) = spec.inputs.items()
    _, *sides = (dim if isinstance(dim, int) else USUAL.get(dim, 1) for dim in contract.dims)
    channels, height, width = sides if sides[0] <= 4 else (sides[2], sides[0], sides[1])  # noqa: PLR2004 - colours come first or last
    factor = math.sqrt(scale)
    shape = Shape(
        weights_mib=expected_mib(spec, catalogue=catalogue).weights_mib * scale,
        channels=channels,
        height=max(16, round(height * factor)),
        width=max(16, round(width * factor)),
        batch=None if isinstance(contract.dims[0], str) else contract.dims[0],
    )
    content = network(shape, seed=seed)
    path = files / f"{spec.id}.onnx"
    path.write_bytes(content)
    batch: int | str = "batch" if shape.batch is None else shape.batch
    sizes = (batch, shape.channels, shape.height, shape.width)
    return spec.model_copy(
        update={
            "file": PinnedFile(
                name=path.name,
                sha256=hashlib.sha256(content).hexdigest(),
                size_bytes=len(content),
            ),
            "prepare": Preparation(),
            "described": False,
            "parts": (),
            "inputs": {"x": TensorContract(dtype="float32", dims=sizes)},
            "outputs": {"y": TensorContract(dtype="float32", dims=(batch, OUTPUTS))},
        }
    )
