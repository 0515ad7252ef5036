"""What the gateway answers, as models: the document is made from them, and tests compare."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A JSON answer. Members that are not declared are a fault of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")
