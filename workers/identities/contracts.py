"""Which model a collection's faces are embedded by. Pure; the gateway asks it too."""

from workers.identities.records import Collection

#: Between the members' ids of an ensemble.
_AND = "+"
#: The name under which options ask for all installed models, voting together.
_ENSEMBLE = "ensemble"


def model_name(collection: Collection) -> str | None:
    """The recognition model of a collection, as options name it; None: the default one.

    Once there are faces it is the one that made them, whatever the default has become since.
    """
    if collection.contract is None:
        return collection.model
    made_by = collection.contract.model
    # An ensemble has no name of its own: it is all members that are installed, and another set of
    # them is another model, which the search refuses.
    return _ENSEMBLE if _AND in made_by else made_by
