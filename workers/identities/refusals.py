"""What adapters of known people say when they give up."""

from workers.errors import StoreRefused
from workers.identities.errors import FaceNotFound, PersonNotFound

#: Tries of a change that is read, sealed and written, while others write too. Of two at once one
#: gets through, so whoever fails so often has been overtaken by as many.
ATTEMPTS = 32
#: Tries to add faces that are compared with what has come since, right before. Each is short; but
#: whoever adds without comparing, as imports do, adds dozens of faces in that time.
COMPARISONS = 250


def no_person() -> PersonNotFound:
    """Says that somebody is not there. Messages name nobody: they may be logged."""
    return PersonNotFound("There is no such person in the collection.")


def no_face() -> FaceNotFound:
    """Says that a face is not there."""
    return FaceNotFound("There is no such face in the collection.")


def busy() -> StoreRefused:
    """Says that others were quicker each time; nothing was changed."""
    return StoreRefused("Too many others change the same person, or add faces to the collection.")
