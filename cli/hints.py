"""What to type after an error whose way out is a command."""

from collections.abc import Mapping

from client import GatewayAway, Problem

#: By the code of a problem.
_BY_CODE: Mapping[str, str] = {
    "auth_required": (
        "`facesocial login` logs in; FACESOCIAL_CLIENT_KEY takes an API key instead."
    ),
    "collection_not_found": (
        "`facesocial collections list` shows yours, `facesocial collections create ID` makes one."
    ),
    "person_not_found": (
        "`facesocial people list --collection ID` shows everybody in a collection."
    ),
}
_AWAY = "`facesocial up` starts one on this machine; --gateway URL names another."


def hint_of(error: Exception) -> str:
    """A sentence that names the command, after a space; empty when none is known."""
    if isinstance(error, GatewayAway):
        return f" {_AWAY}"
    if isinstance(error, Problem) and error.code in _BY_CODE:
        return f" {_BY_CODE[error.code]}"
    return ""
