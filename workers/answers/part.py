"""What every answer is made of."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A part of an answer; fields never set are left out of its JSON."""

    model_config = ConfigDict(frozen=True)
