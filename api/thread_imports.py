"""Imports that libraries put off until they are needed, made while there is one thread.

Under gevent the locks of imports are gevent's too. Two threads of `api.offload` that import at the
same time as a request may wait for each other for good: nothing may be imported there.
"""

import importlib

from PIL import Image

#: What the codecs are looked up by: a host's name is encoded before it is resolved.
_CODECS = ("idna", "latin-1", "utf-8", "ascii")
#: Left to the first call by the libraries whose calls are offloaded.
_MODULES = ("PIL.JpegPresets", "PIL.MpoImagePlugin", "encodings.idna")


def import_ahead() -> None:
    """Import what calls in other threads would import; called once, before requests are served."""
    # Every plugin: Pillow imports the rest when it meets a file that none of the usual ones knows.
    Image.init()
    for codec in _CODECS:
        "a".encode(codec)
    for module in _MODULES:
        importlib.import_module(module)
