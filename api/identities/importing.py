"""Persons and their embeddings, read while they arrive, line by line."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from api.answers.keeping import ImportAnswer, RejectedLine, TakenFaces, TakenPersons
from api.endpoint import principal
from api.errors import ApiError, problem_of
from api.identities.auditing import audit_event
from api.identities.import_contracts import ImportContracts
from api.identities.import_lines import (
    CollectionLine,
    ContractLine,
    FaceLine,
    ImportLine,
    LineRefused,
    PersonLine,
    numbered_lines,
    read_line,
)
from api.identities.settings_of import new_person
from api.identities.vectors import WrongEmbedding, as_float16, normalised
from api.offload import offload
from api.services import Services
from api.whole_body import Readable
from workers.identities.errors import (
    ConsentMissing,
    ContractMismatch,
    ExternalIdTaken,
    PersonExists,
    PersonNotFound,
    TooManyPersons,
)
from workers.identities.records import Collection, EmbeddingContract, NewFace, NewPerson

#: Lines that are read in one go, in a thread: some milliseconds.
_LINES_AT_ONCE = 32
#: Faces of one person that are added in one step.
_FACES_AT_ONCE = 100
#: Rejections that are told; all are counted.
MOST_TOLD = 1000
#: What a line may be refused for by the store, without harm to the others.
OF_LINE = (
    *(ConsentMissing, ContractMismatch, ExternalIdTaken, PersonExists, PersonNotFound),
    TooManyPersons,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Face:
    """A face that was read."""

    number: int
    line: FaceLine
    #: float16, little endian.
    vector: bytes


class Import:
    """Takes the lines of one import.

    Args:
        parts: Of the gateway.
        collection: Where to.
        create_persons: Whether a face whose person is not there makes one of that id.
    """

    def __init__(self, parts: Services, collection: Collection, *, create_persons: bool) -> None:
        self._parts = parts
        self._collection = collection
        self._create_persons = create_persons
        self._contracts = ImportContracts(collection, parts.catalogue)
        #: Persons whose line was refused, with the code: their faces are, too.
        self._refused: dict[str, LineRefused] = {}
        self._persons: Counter[str] = Counter()
        self._faces: Counter[str] = Counter()
        self._rejections: list[RejectedLine] = []
        self._rejected = 0
        self._version: int | None = None
        #: Faces of one person and contract that are still to be added.
        self._waiting: list[tuple[int, NewFace]] = []
        self._waiting_for: tuple[str, EmbeddingContract] | None = None

    def take(self, stream: Readable) -> ImportAnswer:
        """Read to the end, taking what can be taken.

        Raises:
            ContractMismatch: a collection line says that the embeddings are another model's.
        """
        lines = 0
        for number, found in _read(numbered_lines(stream)):
            lines += 1
            try:
                self._line(found)
            except LineRefused as error:
                self._reject(number, error)
        self._flush()
        return ImportAnswer(
            lines=lines,
            persons=TakenPersons(added=self._persons["added"], known=self._persons["known"]),
            faces=TakenFaces(
                added=self._faces["added"],
                known=self._faces["known"],
                duplicate=self._faces["duplicate"],
                full=self._faces["full"],
            ),
            rejected=self._rejected,
            rejections=tuple(self._rejections),
            version=self._version,
        )

    def _line(self, found: "ImportLine | _Face | LineRefused") -> None:
        if isinstance(found, LineRefused):
            raise found
        if isinstance(found, _Face):
            self._face(found)
        elif isinstance(found, CollectionLine):
            self._contracts.state(found.contract)
        elif isinstance(found, PersonLine):
            self._person(found)

    def _person(self, line: PersonLine) -> None:
        self._flush()
        try:
            self._persons["added" if self._put(new_person(line.id, line)) else "known"] += 1
        except ApiError as error:
            self._refused[line.id] = LineRefused("line_invalid", str(error))
            raise self._refused[line.id] from None
        except OF_LINE as error:
            self._refused[line.id] = _refusal(error)
            raise self._refused[line.id] from None

    def _put(self, new: NewPerson) -> bool:
        _, is_new = self._parts.identities.persons.put(
            self._collection.uid,
            new,
            audit=audit_event("person.created", principal(), person_ids=(new.id,)),
        )
        return is_new

    def _face(self, face: _Face) -> None:
        line = face.line
        if refused := self._refused.get(line.person_id):
            raise LineRefused(refused.code, f"The line of its person was refused: {refused}")
        contract = self._contracts.of_face(_own_contract(face), len(face.vector) // 2)
        place = (line.person_id, contract)
        if place != self._waiting_for or len(self._waiting) >= _FACES_AT_ONCE:
            self._flush()
        self._waiting_for = place
        new = NewFace(
            id=line.id or _id_of(self._collection.uid, line.person_id, face.vector),
            vector=face.vector,
            quality=line.quality,
            source_sha256=line.source_sha256,
            origin="import",
            added_by=principal().user_id,
        )
        self._waiting.append((face.number, new))

    def _flush(self) -> None:
        """Add the faces that wait."""
        waiting, self._waiting = self._waiting, []
        if not waiting or self._waiting_for is None:
            return
        person_id, contract = self._waiting_for
        try:
            self._add(person_id, contract, [face for _, face in waiting])
        except OF_LINE as error:
            for number, _ in waiting:
                self._reject(number, _refusal(error))

    def _add(self, person_id: str, contract: EmbeddingContract, faces: Sequence[NewFace]) -> None:
        for may_create in (self._create_persons, False):
            try:
                added = self._parts.identities.persons.add_faces(
                    self._collection.uid,
                    person_id,
                    faces,
                    contract=contract,
                    audit=audit_event(
                        "faces.imported",
                        principal(),
                        person_ids=(person_id,),
                        faces=str(len(faces)),
                    ),
                )
            except PersonNotFound:
                if not may_create:
                    raise
                self._persons["added"] += self._put(NewPerson(id=person_id))
                continue
            self._faces.update(added.outcomes)
            self._version = added.version
            self._contracts.fixed(contract)
            return

    def _reject(self, number: int, error: LineRefused) -> None:
        self._rejected += 1
        if len(self._rejections) < MOST_TOLD:
            told = RejectedLine(line=number, code=error.code, message=str(error))
            self._rejections.append(told)


def _read(
    lines: Iterable[tuple[int, bytes | None]],
) -> Iterator[tuple[int, "ImportLine | _Face | LineRefused"]]:
    """What lines hold, in order, but for empty ones; some are read ahead.

    Millions of empty ones are passed over in the thread too, not where others wait.
    """
    rest = iter(lines)
    while some := list(islice(rest, _LINES_AT_ONCE)):
        yield from offload(_all_read, some)


def _all_read(
    lines: Sequence[tuple[int, bytes | None]],
) -> list[tuple[int, "ImportLine | _Face | LineRefused"]]:
    return [
        (number, _one_read(number, line)) for number, line in lines if line is None or line.strip()
    ]


def _one_read(number: int, line: bytes | None) -> "ImportLine | _Face | LineRefused":
    if line is None:
        return LineRefused("line_too_long", "The line is too long for an embedding.")
    try:
        found = read_line(line)
        if not isinstance(found, FaceLine):
            return found
        vector = found.vector()
        # The numbers themselves are needed no more.
        bare = found.model_copy(update={"embedding": None, "embedding_base64": None})
        return _Face(number=number, line=bare, vector=as_float16(normalised(vector)))
    except WrongEmbedding as error:
        return LineRefused(error.code, str(error))
    except LineRefused as error:
        return error


def _own_contract(face: _Face) -> ContractLine | None:
    """What the line of a face says of what made it."""
    line = face.line
    if line.model is None and line.sha256 is None and line.preprocessing_version is None:
        return None
    if line.model is None or line.sha256 is None or line.preprocessing_version is None:
        message = "A line has all of 'model', 'sha256' and 'preprocessing_version', or none."
        raise LineRefused("contract_missing", message)
    return ContractLine(
        model=line.model,
        sha256=line.sha256,
        preprocessing_version=line.preprocessing_version,
        dimensions=len(face.vector) // 2,
    )


def _id_of(uid: str, person_id: str, vector: bytes) -> str:
    """The same for the same face: importing it again adds nothing."""
    made = hashlib.sha256(b"\0".join((uid.encode(), person_id.encode(), vector)))
    return f"face_{made.hexdigest()[:32]}"


def _refusal(error: Exception) -> LineRefused:
    return LineRefused(problem_of(error).code, str(error))
