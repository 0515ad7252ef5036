"""Why a model is not on the device, in words."""

from vram.answers import Reservation
from vram.reasons import of_reservation
from workers.devices.loaded import NotOnDevice

#: When asking again makes sense, where the ledger has not said anything, ms.
RETRY_MS = 1000

#: Reasons that are not the ledger's: it could not be asked, or the load failed.
SENTENCES = {
    "ledger_unavailable": "The store of the VRAM ledger does not answer; nothing is admitted to"
    " the device until it does.",
    "device_lost": "The store has lost its data; the device is being registered again.",
    "superseded": "Another worker has taken the device over. Stop one of the two.",
    "device_fault": "The device is in a state that only a new process gets out of; this one ends"
    " with its present work.",
    "out_of_memory": "The device ran out of memory while {model} was loaded; the load is tried"
    " again later.",
    "load_failed": "{model} could not be loaded, the log says why; it is tried again later.",
    "load_stale": "The load of {model} took too long and was given up by the ledger.",
    "device_full": "The device has less free than the ledger knew of, too little for {model}.",
}


def refusal(model: str, answer: Reservation) -> NotOnDevice:
    """A negative answer of the ledger as the error it ends in."""
    sentence = of_reservation(model, answer)
    return NotOnDevice(answer.reason, sentence, retry_ms=answer.retry_ms)


def refused(reason: str, model: str = "", *, retry_ms: int = 0) -> NotOnDevice:
    """Why a model is not on the device, where the ledger has not said it."""
    return NotOnDevice(reason, SENTENCES[reason].format(model=model), retry_ms=retry_ms)
