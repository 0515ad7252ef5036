"""Errors of the benchmarks: each ends the command as one line on stderr."""


class BenchmarkFailed(Exception):
    """The measurement could not be made."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)
