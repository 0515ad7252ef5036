"""Where a job is sent: what the fleet and the queues tell, answered with a queue and its reason.

The gateway asks when a job is submitted, the dispatcher whenever its wake-up is due or its device
has gone. The choice itself is `vram.routing`'s; here are its questions and its answer's words.
"""

from dataclasses import replace

import structlog

from models.catalogue import Catalogue
from models.memory import expected_mib
from vram.errors import LedgerUnavailable
from vram.fleet import Fleet, Outlook
from vram.reasons import of_route
from vram.route_costs import Need, Priors
from vram.routing import Route, choose_route
from workers.choices import expected_models
from workers.contract import AnalyzeOptions, JobRoute, Lane, device_of, queue_of
from workers.index_places import index_name, searched_collection
from workers.jobs.options import JobOptions
from workers.jobs.store import JobStore
from workers.settings.process import Settings

#: Devices that are compared for a job: all of a small fleet, a sample of a large one.
CANDIDATES = 4

_log = structlog.get_logger()


class JobRouter:
    """Routes jobs for the gateway and the dispatcher.

    Args:
        fleet: Tells of devices and times.
        jobs: Tells how long the queues are.
        catalogue: What the models of a job are.
        settings: What may run on the CPU, and how fast that is until it was measured.
    """

    def __init__(
        self, fleet: Fleet, jobs: JobStore, catalogue: Catalogue, settings: Settings
    ) -> None:
        self._fleet = fleet
        self._jobs = jobs
        self._catalogue = catalogue
        self._settings = settings
        self._needs: dict[str, Need] = {}

    def route(self, options: JobOptions, *, held: JobRoute | None = None) -> JobRoute:
        """The queue for a job with these options.

        Times are measured of single photos: of other jobs they tell the cheapest place, and no
        time is promised.

        Without an answer from the fleet's store no GPU work is admitted: the CPU takes the job,
        and the reason says so.

        Args:
            options: Of the job.
            held: Where it waits already; it stays there until another place is clearly better.

        Raises:
            StoreUnavailable: the job store does not answer.
        """
        found = self._choose(options, held)
        return found if isinstance(options, AnalyzeOptions) else replace(found, expected_ms=None)

    def _choose(self, options: JobOptions, held: JobRoute | None) -> JobRoute:
        lane: Lane = "bulk" if options.priority == "batch" else "interactive"
        needs = [self._need(name) for name in expected_models(options, self._catalogue)]
        if (collection := searched_collection(options)) is not None:
            data = Need(model=index_name(collection), priority="low", vram_mib=0, is_data=True)
            needs.append(data)
        try:
            outlook = self._fleet.outlook([need.model for need in needs], limit=CANDIDATES)
        except LedgerUnavailable as error:
            _log.warning("router.ledger_unavailable", error=str(error))
            return _told(Route(device=None, reason="ledger_unavailable"), lane)
        ahead = self._ahead(outlook, lane)
        if held is not None and ahead.get(place := device_of(held.queue)):
            ahead[place] -= 1  # itself
        route = choose_route(
            outlook,
            ahead,
            needs,
            lane=lane,
            held=False if held is None else device_of(held.queue),
            priors=Priors(cpu_ratio=self._settings.cpu_performance_ratio),
        )
        return _told(route, lane)

    def _ahead(self, outlook: Outlook, lane: Lane) -> dict[str | None, int]:
        """Jobs that are served before one of this lane, at each place."""
        places = [None, *(one.id for one in outlook.candidates)]
        lanes: tuple[Lane, ...] = ("interactive", "bulk") if lane == "bulk" else ("interactive",)
        queues = {queue_of(one, device=place): place for place in places for one in lanes}
        ahead: dict[str | None, int] = dict.fromkeys(places, 0)
        for queue, jobs in self._jobs.backlog(list(queues)).items():
            ahead[queues[queue]] += jobs
        return ahead

    def _need(self, model_id: str) -> Need:
        """What a model of the catalogue needs; worked out once."""
        if model_id not in self._needs:
            spec = self._catalogue.model(model_id)
            refused = spec.task == "anti_spoofing" and self._settings.anti_spoofing_cpu == "refuse"
            # Of one row a run: where room is short, it is loaded for as few.
            expected = expected_mib(spec, catalogue=self._catalogue)
            self._needs[model_id] = Need(
                model=model_id,
                priority=spec.priority,
                vram_mib=expected.mib,
                cpu_allowed=not refused,
            )
        return self._needs[model_id]


def _told(route: Route, lane: Lane) -> JobRoute:
    return JobRoute(
        queue=queue_of(lane, device=route.device),
        reason=route.reason,
        device=route.device,
        message=of_route(route),
        expected_ms=route.expected_ms,
    )
