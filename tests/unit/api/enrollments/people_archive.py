"""A list of two people, as an archive of their photos has it."""

from collections.abc import Mapping

LIST = (
    "file,person_id,name,external_id,metadata.team,consent.given_at,consent.purpose\n"
    "a/1.jpg,anna,Anna Secret,crm-1,red,2026-01-02,door\n"
    "a/2.jpg,anna,,,,,\n"
    "ben.jpg,ben,Ben,,,,\n"
)


def list_first(files: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    """The same files, beginning with that of the name."""
    return {name: files[name], **{one: files[one] for one in files if one != name}}
