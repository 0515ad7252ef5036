"""Total work over the size of the card, drawn without Matplotlib's global state."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from vram.simulator.report import Comparison

_SIZE_INCHES = (6.4, 4.0)
_DPI = 110


def draw(swept: Sequence[Comparison], path: Path) -> None:
    """Write a sweep as a picture, PNG or SVG by the file's name."""
    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    sizes = [one.capacity_mib for one in swept]
    for policy in swept[0].served:
        seconds = [one.served[policy].work_ms / 1000 for one in swept]
        axes.plot(sizes, seconds, marker="o", markersize=3, linewidth=1.2, label=policy)
    bound = [one.bound_ms / 1000 for one in swept]
    axes.plot(sizes, bound, color="0.4", linestyle="--", linewidth=1, label="lower bound")
    axes.set(
        title=f"{swept[0].trace.name}: {len(swept[0].trace.requests)} requests",
        xlabel="Room for models on the card, MiB",
        ylabel="Loading, and more time on the CPU, s",
        yscale="symlog",
    )
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, color="0.9")
    axes.legend(frameon=False, fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    is_svg = path.suffix == ".svg"
    canvas = FigureCanvasSVG(figure) if is_svg else FigureCanvasAgg(figure)
    # No date in the file: the same figures give the same picture.
    canvas.print_figure(str(path), metadata={"Date": None} if is_svg else None)
