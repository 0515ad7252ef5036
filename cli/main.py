"""The `facesocial` command."""

import sys
from importlib.metadata import version as installed_version
from typing import NoReturn

import typer

from cli import batch as batch_command
from cli import collections as collections_command
from cli import evaluate as evaluate_command
from cli import jobs as jobs_command
from cli import keys as keys_command
from cli import models as models_command
from cli import people as people_command
from cli import users as users_command
from cli import vram as vram_command
from cli.analyze import analyze
from cli.backup import backup
from cli.calibrate import calibrate
from cli.demo import demo
from cli.errors import CliError
from cli.hints import hint_of
from cli.liveness import liveness
from cli.login import login, logout, whoami
from cli.results import results
from cli.submit import submit
from cli.up import up
from cli.verify import verify
from cli.video import video
from cli.watch import watch
from client import ClientError
from models.errors import ModelsError
from vram.errors import VramError
from workers.errors import SettingsError, WorkersError

app = typer.Typer(
    name="facesocial",
    help="Face analysis on one small GPU, or none.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(up)
app.command()(demo)
app.command()(analyze)
app.command()(verify)
app.command()(liveness)
app.command()(video)
app.command()(submit)
app.command()(watch)
app.command()(results)
app.add_typer(batch_command.app, name="batch")
app.add_typer(jobs_command.app, name="jobs")
app.add_typer(people_command.app, name="people")
app.add_typer(collections_command.app, name="collections")
app.command()(login)
app.command()(logout)
app.command()(whoami)
app.add_typer(users_command.app, name="users")
app.add_typer(keys_command.app, name="keys")
app.add_typer(models_command.app, name="models")
app.add_typer(vram_command.app, name="vram")
app.add_typer(evaluate_command.app, name="evaluate")
app.command()(calibrate)
app.command()(backup)


@app.command()
def version() -> None:
    """Print the version."""
    print(installed_version("facesocial"))


def run() -> NoReturn:
    """Run the command line: 0 when it worked, 1 when it did not, 2 when it was used wrongly."""
    try:
        app(prog_name="facesocial")
    except SettingsError as error:
        _leave(error, 2)
    except (CliError, ClientError, ModelsError, VramError, WorkersError) as error:
        _leave(error, 1)
    sys.exit(0)


def _leave(error: Exception, code: int) -> NoReturn:
    print(f"facesocial: {error}{hint_of(error)}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    run()
