"""What the speed of a graph depends on besides the graph: the processor and the runtime."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

#: Distributions that ship the same `onnxruntime` module; two at once overwrite each other's files.
RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
#: Features that decide which of ONNX Runtime's kernels run, as Linux names them.
FEATURES = (
    *("avx2", "avx512f", "avx512bw", "avx_vnni", "avx512_vnni", "amx_int8"),
    *("asimddp", "i8mm", "sve"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A kind of machine: measurements of one hold for all others that are equal."""

    #: The processor's name, "AMD EPYC".
    cpu: str
    #: Those of FEATURES it has, sorted.
    features: tuple[str, ...]
    #: "onnxruntime 1.32.0".
    runtime: str

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that differ for machines that differ."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@cache
def this_machine() -> Machine:
    """The machine this runs on."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    return read_machine(text, fallback=platform.processor() or platform.machine())


def read_machine(cpuinfo: str, *, fallback: str) -> Machine:
    """Read a machine from the text of Linux's /proc/cpuinfo.

    Args:
        cpuinfo: The text; empty on systems without.
        fallback: The processor's name where the text has none.
    """
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    return Machine(
        cpu=fields.get("model name") or fallback,
        features=tuple(sorted(flags.intersection(FEATURES))),
        runtime=runtime(),
    )


@cache
def runtime() -> str:
    """Name and version of the installed ONNX Runtime, or "none"."""
    for name in RUNTIMES:
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return "none"
