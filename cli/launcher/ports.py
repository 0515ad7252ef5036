"""TCP ports on this machine."""

import socket

from cli.errors import PortTaken

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: connections of a predecessor that still time out don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def require_port(port: int, *, host: str, option: str) -> int:
    """The port to use: the one asked for, or a free one for 0.

    Raises:
        PortTaken: somebody listens there; the message names the option that changes it.
    """
    if port == 0:
        return free_port()
    if not is_free(port, host):
        raise PortTaken(f"Port {port} on {host} is taken or not allowed. Choose another: {option}.")
    return port
