"""A known person as results are stored; see `workers.identities.told_persons`."""

from workers.answers.part import Answer


class SealedPersonAnswer(Answer):
    """Stands for a KnownPersonAnswer until whoever asks is told it."""

    #: The client's id of the person.
    id: str
    #: The rest, under the person's key.
    sealed: str
