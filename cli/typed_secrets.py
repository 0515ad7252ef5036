"""Secrets that are typed or lie in files: never an argument, which others on a machine can see."""

import sys
from pathlib import Path

import typer

from cli.errors import CliError


class NoSecret(CliError):
    """There is no terminal to ask on."""


def read_secret(file: Path | None, *, prompt: str, option: str, twice: bool = False) -> str:
    """The first line of a file, of standard input if the file is `-`, or what is typed.

    Args:
        file: Where it is; None: it is asked for.
        prompt: What is asked.
        option: What can be given instead of being asked.
        twice: Whether it has to be typed twice.

    Raises:
        NoSecret: there is nobody to ask.
        CliError: the file can't be read.
    """
    if file is None:
        if not sys.stdin.isatty():
            raise NoSecret(f"There is no terminal to ask on. Give {option}.")
        return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True))
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"The password can't be read from {file}: {error}.") from None
    return text.partition("\n")[0].rstrip("\r")
