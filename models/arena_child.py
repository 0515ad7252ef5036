"""`python -m models.arena_child GRAPH ID BUCKET`: run a graph and let its arena tell its growth.

A process of its own because ONNX Runtime knows one arena for a process, tells its growth in its log
on stderr and nowhere else (there is no getter in its Python binding), and never makes it smaller.
"""

import sys
from pathlib import Path

from models.catalogue import load_catalogue
from models.described import fit
from models.session import open_session, share_cpu_arena
from models.warm_up import warm_buckets


def main(graph: Path, model: str, bucket: int) -> None:
    """Run every size the model is run with up to a batch size, twice, largest first."""
    spec = load_catalogue().model(model)
    share_cpu_arena(tell=True)
    session, fitted = fit(open_session(graph, shared_arena=True), spec)
    buckets = [size for size in fitted.batch_buckets if size <= bucket]
    warm_buckets(session, fitted, buckets)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
