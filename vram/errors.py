"""Errors of the vram package.

VramError
├── LedgerUnavailable    the ledger's store did not answer: no GPU admission meanwhile
├── UnknownDevice        the device was never registered, or by another incarnation
├── ProbeFailed          the device's memory can't be read
├── TraceInvalid         a load to be simulated is not what its format says
└── PlotUnavailable      a plot needs the extra `evaluation`
"""


class VramError(Exception):
    """Device memory can't be accounted for."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class LedgerUnavailable(VramError):
    """The ledger's store did not answer. No GPU work is admitted until it does."""


class UnknownDevice(VramError):
    """The device is not registered, or a newer worker has registered it."""


class ProbeFailed(VramError):
    """The device's memory can't be read. Check the driver with `nvidia-smi`."""


class TraceInvalid(VramError):
    """A load to be simulated is not what its format says."""


class PlotUnavailable(VramError):
    """Plots need Matplotlib: install `facesocial[evaluation]`."""
