"""Where a job is sent: one question to the VRAM ledger, answered with a queue and a reason."""

import structlog

from models.catalogue import Catalogue
from vram.errors import LedgerUnavailable
from vram.ledger import VramLedger, choose_route
from workers.choices import expected_models
from workers.contract import AnalyzeOptions, JobRoute

_log = structlog.get_logger()


class JobRouter:
    """Routes jobs for the gateway and, when a device comes or goes, for the dispatcher."""

    def __init__(self, ledger: VramLedger, catalogue: Catalogue) -> None:
        self._ledger = ledger
        self._catalogue = catalogue

    def route(self, options: AnalyzeOptions) -> JobRoute:
        """The queue for a job with these options.

        Without an answer from the ledger no GPU work is admitted: the CPU takes the job and the
        reason says so.
        """
        lane = "bulk" if options.priority == "batch" else "interactive"
        models = expected_models(options, self._catalogue)
        try:
            route = choose_route(self._ledger.devices(), models)
        except LedgerUnavailable as error:
            _log.warning("router.ledger_unavailable", error=str(error))
            return JobRoute(queue=f"cpu.{lane}", reason="ledger_unavailable")
        return JobRoute(
            queue=f"{route.queue_class}.{lane}", reason=route.reason, device=route.device
        )
