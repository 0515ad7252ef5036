"""A model that took part, as answers tell it."""

from workers.answers.analysis import ModelAnswer
from workers.devices.loaded import LoadedModel


def model_answer(loaded: LoadedModel) -> ModelAnswer:
    """What is told of a model; taken down while it is held."""
    network = loaded.network
    why = {"reason": loaded.reason} if loaded.reason else {}
    return ModelAnswer(
        id=network.spec.id,
        sha256=network.sha256,
        device=loaded.device,
        provider=network.session.provider,
        variant=network.variant,
        **why,
    )
