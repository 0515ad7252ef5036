"""What the stores of known people should say, in plain Python: their reference."""

from collections.abc import Iterable

from tests.properties.identity_people import ModelCollection, People
from workers.identities.errors import ContractMismatch, ReembeddingUnderWay
from workers.identities.records import EmbeddingContract


class Model(People):
    """All collections, with changes of their models."""

    def begin(self, uid: str, job: str) -> None:
        """Begin a change of model."""
        found = self.of(uid)
        if found.job not in {"", job}:
            raise ReembeddingUnderWay
        if not found.job and found.switched != job:
            found.generations += 1
            found.job, found.coming, found.coming_contract = job, found.generations, None

    def pending(self, uid: str, job: str) -> set[str]:
        """Faces without a new vector."""
        found = self._changing(uid, job)
        return {name for name, one in found.faces.items() if found.coming not in one.vectors}

    def embed(self, uid: str, job: str, names: Iterable[str], contract: EmbeddingContract) -> None:
        """Give faces new vectors, made of their name and the generation."""
        found = self._changing(uid, job)
        if found.coming_contract not in {None, contract}:
            raise ContractMismatch
        for name in names:
            if (one := found.faces.get(name)) and one.key not in self.destroyed:
                one.vectors[found.coming] = f"{name}{found.coming}"
                found.coming_contract = contract

    def switch(self, uid: str, job: str) -> bool:
        """Let the new vectors count."""
        found = self.of(uid)
        if not found.job and found.switched == job:
            return True
        if self.pending(uid, job):
            return False
        found.generation, found.contract = found.coming, found.coming_contract
        found.job, found.switched = "", job
        found.take_snapshots()
        return True

    def abandon(self, uid: str, job: str) -> bool:
        """Forget the new vectors; whether there is such a change."""
        found = self.of(uid)
        if found.job != job:
            return False
        found.job = ""
        return True

    def _changing(self, uid: str, job: str) -> ModelCollection:
        found = self.of(uid)
        if found.job != job:
            raise ReembeddingUnderWay
        return found
