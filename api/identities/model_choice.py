"""The recognition model of a collection, by name."""

from api.errors import ApiError
from api.services import Services
from models.errors import UnknownModel
from workers.choices import candidates


def require_model(parts: Services, name: str | None) -> None:
    """Refuse a recognition model there is none of.

    Args:
        parts: Of the gateway.
        name: What was sent; None: the default one.

    Raises:
        ApiError: unknown_model.
    """
    if name is None:
        return
    try:
        candidates(name, ("recognition",), parts.catalogue)
    except UnknownModel as error:
        raise ApiError("unknown_model", str(error), field="model") from None
