"""Errors of the cli package: each ends the command as one line on stderr.

CliError
└── LauncherError         the fleet can't be started or kept up
    ├── AlreadyRunning    another launcher holds the data folder
    ├── StoreFailed       the embedded store does not start, answer or stop
    ├── PortTaken         somebody else listens where we should
    └── ChildFailed       a process of the fleet does not come up
"""


class CliError(Exception):
    """The command could not be carried out."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class LauncherError(CliError):
    """The fleet can't be started."""


class AlreadyRunning(LauncherError):
    """Another `facesocial up` uses this data folder. Stop it, or give another --data-dir."""


class StoreFailed(LauncherError):
    """The embedded store does not work. Its log is in the data folder under logs/store.log."""


class PortTaken(LauncherError):
    """Another program listens on the port."""


class ChildFailed(LauncherError):
    """A process of the fleet does not come up. Its log is in the data folder under logs/."""
