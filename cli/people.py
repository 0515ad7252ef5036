"""`facesocial people`: those who are known to a gateway."""

import json
from itertools import islice
from typing import Annotated, Any

import typer

from cli.connection import GatewayUrl, connected
from cli.deletions import WaitSeconds, Yes, confirm, tell_deletions
from cli.identity_tables import counted, faces_table, persons_table
from cli.people_enroll import enroll, report
from cli.people_identify import identify, verify
from cli.people_options import AsJson, InCollection, PersonId
from cli.people_transfer import export, load
from cli.record_tables import show_table
from client import Person
from client.collection_flows import DEFAULT_COLLECTION

app = typer.Typer(help="Enrol, identify, list and delete known people.", no_args_is_help=True)
app.command()(enroll)
app.command()(report)
app.command()(identify)
app.command()(verify)
app.command()(export)
app.command("import")(load)


@app.command("list")
def list_(
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    external_id: Annotated[
        str | None, typer.Option(help="Only the one with this key of another system.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the people in a collection, oldest first."""
    with connected(gateway) as client:
        if external_id is not None:
            persons = list(client.people.list(collection=collection, external_id=external_id).items)
        else:
            persons = list(islice(client.people.everybody(collection=collection), limit))
    if as_json:
        print(json.dumps([person.model_dump(mode="json") for person in persons], indent=2))
    else:
        show_table(persons_table(persons))


@app.command()
def show(
    person_id: PersonId,
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    as_json: AsJson = False,
) -> None:
    """Show a person and their faces."""
    with connected(gateway) as client:
        person = client.people.get(person_id, collection=collection)
        faces = client.people.faces(person_id, collection=collection)
    if as_json:
        told: dict[str, Any] = person.model_dump(mode="json")
        told["enrolled_faces"] = [face.model_dump(mode="json") for face in faces]
        print(json.dumps(told, indent=2))
        return
    show_table(persons_table([person]))
    for name, value in person.metadata.items():
        print(f"{name}: {value}")
    show_table(faces_table(faces))


@app.command()
def rename(
    person_id: PersonId,
    name: Annotated[str, typer.Argument(help="The new name.")],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    as_json: AsJson = False,
) -> None:
    """Change a person's name; the id stays."""
    with connected(gateway) as client:
        person = client.people.change(person_id, collection=collection, name=name)
    _tell(person, f"{person.id} is called {person.name} now.", as_json=as_json)


@app.command()
def merge(
    person_id: PersonId,
    into: Annotated[str, typer.Argument(metavar="INTO", help="Who gets the faces.")],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give a person's faces to another, and delete the first. Asks before it does."""
    with connected(gateway) as client:
        if not yes:
            gone = client.people.get(person_id, collection=collection)
            kept = client.people.get(into, collection=collection)
            confirm(f"Forget {_who(gone)} and give the faces to {_who(kept)}?", yes=yes)
        person = client.people.merge(person_id, into=into, collection=collection)
    _tell(
        person, f"{person_id} is {person.id} now: {counted(person.faces, 'face')}.", as_json=as_json
    )


@app.command()
def delete(
    person_ids: Annotated[list[str], typer.Argument(metavar="PERSON...", help="Their ids.")],
    *,
    gateway: GatewayUrl = None,
    collection: InCollection = DEFAULT_COLLECTION,
    yes: Yes = False,
    wait: WaitSeconds = 0,
    as_json: AsJson = False,
) -> None:
    """Delete people and print the certificates. Asks before it does."""
    with connected(gateway) as client:
        if not yes:
            found = [client.people.get(one, collection=collection) for one in person_ids]
            confirm(f"Forget {', '.join(_who(one) for one in found)}?", yes=yes)
        deletions = [client.people.delete(one, collection=collection) for one in person_ids]
        tell_deletions(client, deletions, wait_seconds=wait, as_json=as_json)


def _who(person: Person) -> str:
    named = f"{person.name} ({person.id})" if person.name else person.id
    return f"{named} with {counted(person.faces, 'face')}"


def _tell(person: Person, line: str, *, as_json: bool) -> None:
    print(person.model_dump_json(indent=2) if as_json else line)
