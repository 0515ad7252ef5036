"""Why a connection is ended; documented in docs/reference/websocket.md, and a test compares."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Codes that this server sends. Those below 4000 are RFC 6455's and IANA's."""

    #: The client asked for it.
    NORMAL = 1000
    #: A frame that the protocol does not allow.
    PROTOCOL_ERROR = 1002
    #: A text message that is not UTF-8.
    INVALID_TEXT = 1007
    #: A message larger than allowed.
    TOO_LARGE = 1009
    #: A fault of ours.
    INTERNAL_ERROR = 1011
    #: This process ends; connect again at once.
    RESTART = 1012
    #: Too busy, or the client does not read its messages; connect again later.
    TRY_LATER = 1013
    #: A message that is no JSON or of no known type.
    BAD_MESSAGE = 4400
    #: No credential, a wrong one, or one that has ended.
    UNAUTHENTICATED = 4401
    #: The credential does not give the right, or the page's origin is not allowed.
    FORBIDDEN = 4403
    #: Nothing was sent for too long.
    IDLE = 4408
    #: The user has too many connections.
    TOO_MANY = 4429
