"""Which models are installed, and which of several is taken."""

from collections.abc import Iterable, Sequence

from models.catalogue import Catalogue
from models.errors import WeightsMissing
from models.spec import ModelSpec
from models.weights.store import State, WeightStore


class Installed:
    """The weight store as the catalogue sees it, looked at again when something is missing.

    Args:
        store: Where the weights are.
        catalogue: What they are.
    """

    def __init__(self, store: WeightStore, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue
        self._ids: frozenset[str] | None = None

    @property
    def ids(self) -> frozenset[str]:
        """Models whose weights, parts included, were in the store at the last look."""
        # Read once: another thread may ask for a new look meanwhile.
        ids = self._ids
        if ids is None:
            ids = self._ids = frozenset(
                spec.id for spec in self._catalogue.models.values() if self._is_there(spec)
            )
        return ids

    def pick(self, ids: Iterable[str]) -> str:
        """The first of several models whose weights are installed.

        Raises:
            WeightsMissing: none is.
        """
        wanted = tuple(ids)
        for name in wanted:
            if name in self.ids:
                return name
        # Somebody may have pulled it since.
        self._ids = None
        for name in wanted:
            if name in self.ids:
                return name
        raise WeightsMissing(
            f"The weights of {' or '.join(wanted) or 'any such model'} are not installed here."
            f" Run `facesocial models pull {' '.join(wanted[:1])}`."
        )

    def pick_set(self, sets: Sequence[Sequence[str]]) -> list[str]:
        """The first set of models, best first, all of whose weights are installed.

        Raises:
            WeightsMissing: none is; the message names what the best one lacks.
        """
        for ids in sets:
            if self.ids.issuperset(ids):
                return list(ids)
        return [self.pick([model_id]) for model_id in sets[0]]

    def _is_there(self, spec: ModelSpec) -> bool:
        ready = (State.PRESENT, State.PREPARED)
        return all(
            self._store.model_state(part) in ready for part in self._catalogue.with_parts(spec)
        )
