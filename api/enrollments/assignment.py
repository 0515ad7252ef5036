"""From files to photos of somebody: by the list in the archive, or by the folders they lie in."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from api.batches.entries import Photo, Refused
from api.batches.manifest import Reference
from api.batches.photos import Sent
from api.enrollments.folder_person import folder_of, folder_person
from api.enrollments.manifest_csv import MANIFEST_NAME, Manifest, ManifestRow, read_manifest
from api.enrollments.roster import Admitted, NotAdmitted
from api.errors import ApiError
from api.offload import offload
from workers.identities.records import NewPerson

#: What says whom a photo shows. auto: the list where there is one.
People = Literal["auto", "manifest", "folders"]


class Admission(Protocol):
    """Has persons be there; `api.enrollments.roster.Roster`."""

    def admit(self, told: NewPerson, *, is_checked: bool) -> Admitted | NotAdmitted:
        """See Roster."""
        ...


class Request(Protocol):
    """What brings the files; `api.batches.intake.Intake`, which leaves telling apart to us."""

    @property
    def is_replay(self) -> bool:
        """See Intake."""
        ...

    def tell_apart(self, content: bytes) -> None:
        """See Intake."""
        ...


def turn_of(name: str) -> int:
    """When a file of an archive is wanted: the list first, the one in the highest folder."""
    return name.count("/") - 1000 if _is_manifest(name) else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """Says of every file whom it shows, as they come."""

    roster: Admission
    request: Request
    people: People
    #: Of a list.
    most_rows: int

    def assigned(self, sent: Iterable[Sent]) -> Iterator[Sent]:
        """Photos with their persons, who are there by then; and what can't be taken, with why.

        Raises:
            ApiError: there is no list where there has to be one, it can't be taken, or it comes
                after photos.
            WorkersError: a store refuses, or takes nothing now.
        """
        files = self._told_apart(sent)
        first = next(files, None)
        if self.people != "folders" and isinstance(first, Photo) and _is_manifest(first.id):
            manifest = offload(read_manifest, first.content, most_rows=self.most_rows)
            yield from self._by_manifest(manifest, folder_of(first.id), files)
            return
        if self.people == "manifest":
            detail = f"The first file has to be {MANIFEST_NAME}; in a ZIP it may be any."
            raise ApiError("manifest_missing", detail)
        if first is not None:
            yield from self._by_folders(_chained(first, files))

    def _told_apart(self, sent: Iterable[Sent]) -> Iterator[Sent]:
        """The files; what they are tells this request from others, whoever is admitted."""
        for one in sent:
            self.request.tell_apart(one.id.encode())
            if isinstance(one, Photo):
                self.request.tell_apart(offload(hashlib.sha256, one.content).digest())
            yield one

    def _by_manifest(
        self, manifest: Manifest, folder: str, files: Iterable[Sent]
    ) -> Iterator[Sent]:
        for lost in manifest.lost:
            yield _wrong_line(f"{MANIFEST_NAME}:{lost.line}", lost)
        left = dict(manifest.rows)
        for one in files:
            row = left.pop(_within(folder, one.id), None)
            if row is None:
                message = f"No line of {MANIFEST_NAME} names the file."
                yield one if isinstance(one, Refused) else _refused(one, "not_listed", message)
            elif row.problem:
                yield _wrong_line(one.id, row)
            else:
                yield self._of(one, manifest.people[row.person_id], is_checked=True)
        for name, missing in left.items():
            place = f"{folder}/{name}" if folder else name
            message = f"Line {missing.line} names the file, and it was not sent."
            yield (
                _wrong_line(place, missing)
                if missing.problem
                else Refused(id=place, code="file_missing", message=message)
            )

    def _by_folders(self, files: Iterable[Sent]) -> Iterator[Sent]:
        #: By a person's id the folder that stands for them.
        folders: dict[str, str] = {}
        for one in files:
            folder = folder_of(one.id)
            if self.people == "auto" and _is_manifest(one.id):
                detail = f"{MANIFEST_NAME} comes after other files. Send it first."
                raise ApiError("manifest_missing", detail)
            if isinstance(one, Refused):
                yield one
            elif not folder:
                message = "The file lies in no folder, so nothing says whom it shows."
                yield _refused(one, "not_listed", message)
            else:
                person = folder_person(folder)
                if folders.setdefault(person.id, folder) == folder:
                    yield self._of(one, person, is_checked=False)
                else:
                    message = "Another folder of that name came before, at another place."
                    yield _refused(one, "ambiguous_person", message)

    def _of(self, one: Sent, person: NewPerson, *, is_checked: bool) -> Sent:
        """A file of somebody's."""
        # A request that was done before is only compared: nobody is made again.
        found = None if self.request.is_replay else self.roster.admit(person, is_checked=is_checked)
        if isinstance(found, NotAdmitted):
            subject = person.id if found.is_there else ""
            return Refused(id=one.id, code=found.code, message=found.message, subject=subject)
        if isinstance(one, Photo):
            return replace(one, subject=person.id, leaf=found.leaf if found else None)
        return one if isinstance(one, Reference) else replace(one, subject=person.id)


def _is_manifest(name: str) -> bool:
    return name.rpartition("/")[2] == MANIFEST_NAME


def _chained(first: Sent, files: Iterable[Sent]) -> Iterator[Sent]:
    yield first
    yield from files


def _within(folder: str, name: str) -> str:
    """A name as the list has it: relative to its own folder."""
    return name.removeprefix(f"{folder}/") if folder else name


def _refused(one: Sent, code: str, message: str) -> Refused:
    return Refused(id=one.id, code=code, message=message)


def _wrong_line(item_id: str, row: ManifestRow) -> Refused:
    message = f"Line {row.line} of {MANIFEST_NAME}: {row.problem}"
    return Refused(id=item_id, code="invalid_line", message=message)
