"""Logs of commands that work in this process: standard output is for their answer."""

import sys
from typing import Literal

import structlog


def log_to_stderr(least: Literal["warning", "error"]) -> None:
    """Write logs to standard error.

    Args:
        least: The lowest level that is written.
    """
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(least),
    )
