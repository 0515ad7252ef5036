"""What made imported embeddings: it must be what makes the collection's own."""

from api.identities.import_lines import ContractLine, LineRefused
from models.catalogue import Catalogue
from models.spec import ModelSpec, PinnedFile
from workers.identities.errors import ContractMismatch
from workers.identities.records import Collection, EmbeddingContract


class ImportContracts:
    """Checks contracts against a collection's, or, while it has none, against the catalogue.

    Args:
        collection: That the embeddings are for.
        catalogue: Models of this server.
    """

    def __init__(self, collection: Collection, catalogue: Catalogue) -> None:
        self._collection = collection
        self._catalogue = catalogue
        #: The collection's, as far as is known.
        self._own = collection.contract
        #: That of the lines that follow.
        self._stated: EmbeddingContract | None = None

    def state(self, line: ContractLine | None) -> None:
        """Take a contract for the lines that follow.

        Raises:
            ContractMismatch: the collection's embeddings are another model's.
        """
        stated = None if line is None else _contract(line)
        if stated is not None and self._own is not None and stated != self._own:
            raise ContractMismatch(
                f"The collection '{self._collection.id}' has embeddings of {self._own.model} "
                f"({self._own.dimensions} numbers, preprocessing {self._own.preprocessing_version})"
                f"; these are of {stated.model}. Import them into another collection, or enrol the "
                "photos."
            )
        self._stated = stated

    def of_face(self, line: ContractLine | None, dimensions: int) -> EmbeddingContract:
        """The contract of a face.

        Args:
            line: What the face's own line says; None: nothing.
            dimensions: Numbers of its embedding.

        Raises:
            LineRefused: nothing says what made it, or it may not be compared with the others.
        """
        stated = self._stated if line is None else _contract(line)
        if stated is None:
            raise LineRefused(
                "contract_missing",
                "Nothing says what made the embedding: send 'model', 'sha256' and "
                "'preprocessing_version' with it, or a collection line before.",
            )
        if stated.dimensions != dimensions:
            raise LineRefused(
                "embedding_dimensions",
                f"The embedding has {dimensions} numbers, its model's have {stated.dimensions}.",
            )
        if self._own is None:
            self._require_known(stated)
        elif stated != self._own:
            raise LineRefused(
                "contract_mismatch",
                f"The collection has embeddings of {self._own.model}; these are others.",
            )
        return stated

    def fixed(self, contract: EmbeddingContract) -> None:
        """Note that the first face was added."""
        self._own = self._own or contract

    def _require_known(self, contract: EmbeddingContract) -> None:
        """With another model's embeddings nobody would ever be found by a photo."""
        models = self._catalogue.models
        names = contract.model.split("+")
        for name in names:
            if name not in models or models[name].task != "recognition":
                raise LineRefused(
                    "unknown_model", f"This server has no recognition model '{name}'."
                )
        if contract.model != "+".join(sorted(set(names))):
            raise LineRefused("unknown_model", f"There is no ensemble '{contract.model}'.")
        if contract.model in models:
            file = models[contract.model].file
            if isinstance(file, PinnedFile) and file.sha256 != contract.sha256:
                raise LineRefused(
                    "contract_mismatch",
                    f"This server's {contract.model} has other weights than what made these.",
                )
        if contract.dimensions != sum(_size(models[name]) for name in names):
            raise LineRefused(
                "embedding_dimensions",
                f"{contract.model} does not make embeddings of {contract.dimensions} numbers.",
            )


def _size(model: ModelSpec) -> int:
    """Numbers of a recognition model's embeddings.

    Raises:
        LineRefused: its entry does not fix them.
    """
    (output,) = model.outputs.values()
    size = output.dims[-1]
    if not isinstance(size, int):
        message = f"Nobody knows how long embeddings of {model.id} are: enrol a photo first."
        raise LineRefused("embedding_dimensions", message)
    return size


def _contract(line: ContractLine) -> EmbeddingContract:
    return EmbeddingContract(
        model=line.model,
        sha256=line.sha256,
        preprocessing_version=line.preprocessing_version,
        dimensions=line.dimensions,
    )
