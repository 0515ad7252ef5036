"""Why a URL was not fetched or called. Messages name nothing of our side: no address, no network.

OutboundError
├── UrlRefused      we do not go there
├── UrlUnreachable  it did not answer as it should, in time
└── UrlTooLarge     what it answered is larger than allowed
"""


class OutboundError(Exception):
    """A URL could not be used."""

    #: Stable; listed in docs/reference/errors.md.
    code = "url_unreachable"


class UrlRefused(OutboundError):
    """This server does not fetch from there."""

    code = "url_refused"


class UrlUnreachable(OutboundError):
    """The address did not answer with a file in time."""


class UrlTooLarge(OutboundError):
    """The file is larger than allowed."""

    code = "file_too_large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"The file at the URL is larger than {max_bytes} bytes.")
