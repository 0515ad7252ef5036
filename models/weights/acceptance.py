"""Whether an imported file is the model its entry describes, where no hash can tell."""

from collections.abc import Callable

from models.errors import PreparationFailed
from models.spec import ModelSpec

#: Refuses a file's bytes that are not the model of the entry.
Acceptance = Callable[[bytes, ModelSpec], None]


def accept_here(original: bytes, spec: ModelSpec) -> None:
    """Load the graph, compare its inputs and outputs with the entry, and run it on two images.

    Raises:
        WeightsCorrupt: the bytes are no ONNX graph.
        ContractMismatch: the graph is not what the entry declares, or answers with values that
            are no numbers for a black image, or with the same ones whatever it is shown.
        PreparationFailed: it can't be prepared as the entry says, or a library is not installed.
        InferenceFailed: the runtime can't load or run it.
    """
    try:
        # Listing, fetching and reading weights needs none of these libraries.
        from models.contract import verify_contract  # noqa: PLC0415 - see above
        from models.described import fit  # noqa: PLC0415 - see above
        from models.graphs.prepare import prepare  # noqa: PLC0415 - see above
        from models.session import open_session  # noqa: PLC0415 - see above
        from models.warm_up import require_response, warm_up  # noqa: PLC0415 - see above
    except ImportError as error:
        raise PreparationFailed(
            f"{spec.id} can't be checked without {error.name}: install facesocial[cpu] or [gpu]."
        ) from error
    session, fitted = fit(open_session(prepare(original, spec)), spec)
    verify_contract(session, fitted)
    warm_up(session, fitted)
    require_response(session, fitted)
