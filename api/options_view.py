"""The options of a job or batch as their owner sees them."""

from typing import Any

from pydantic import BaseModel

#: What the gateway noted for the workers: who asked, and the collection's own name.
_NOTED = {"collection": True, "by": True, "credential_id": True}
_HIDDEN: dict[str, Any] = {**_NOTED, "identify": _NOTED}


def options_view(options: BaseModel) -> dict[str, Any]:
    """As they were understood, defaults included."""
    return options.model_dump(mode="json", exclude=_HIDDEN)
