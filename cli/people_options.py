"""Options that the commands of known people share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
InCollection = Annotated[
    str, typer.Option("--collection", metavar="ID", help="The collection of known people.")
]
CollectionId = Annotated[str, typer.Argument(metavar="COLLECTION", help="Its id.")]
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")]
Require = Annotated[
    list[str] | None,
    typer.Option(
        metavar="live|authentic",
        help="Only faces judged so; repeatable. Without a verdict a face is refused.",
    ),
]
