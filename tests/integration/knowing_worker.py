"""A worker that knows people, in this process: real networks, stores over a fake server."""

import itertools
import json
from contextlib import ExitStack
from typing import Any

import fakeredis

from models.catalogue import load_catalogue
from models.weights.store import WeightStore
from workers.blobs.store import MemoryBlobs
from workers.contract import JobRoute, JobState
from workers.devices.residency import Residency
from workers.identities.forgetting import Forgetting
from workers.identities.identifier import Identifier
from workers.identities.index.opening import open_local_searcher
from workers.identities.kept_images import KeptImages
from workers.identities.keys import VaultSeals
from workers.identities.opening import open_identities
from workers.identities.records import NewPerson
from workers.identities.reembed_work import Turns
from workers.identities.told_persons import told_results
from workers.identities.trace_records import AuditEvent
from workers.identities.vault import MemoryVault
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.options import JobOptions
from workers.jobs.records import blob_keys
from workers.jobs.store import Job, NewJob
from workers.known_people import KnownPeople
from workers.photos.pipeline import FacePipeline
from workers.runner import JobRunner
from workers.settings.process import Settings
from workers.works import ToldWork, build_works, people_works

UID = "col_" + "1" * 32
ROUTE = JobRoute(queue="cpu.interactive", reason="no_gpu_device")


class KnowingWorker:
    """A worker that knows people, and jobs for it."""

    def __init__(self, weights: WeightStore, opened: ExitStack) -> None:
        settings = Settings()
        client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2)))
        residency = Residency(store=weights, catalogue=load_catalogue())
        presets = residency.catalogue.thresholds
        self.identities = open_identities(client, settings, VaultSeals(MemoryVault()))
        kept = MemoryBlobs()
        searcher = open_local_searcher(
            self.identities, settings, blobs=kept, process="here:1", opened=opened
        )
        known = KnownPeople(
            identities=self.identities,
            searcher=searcher,
            namer=Identifier(self.identities, searcher, presets),
            blobs=kept,
            images=KeptImages(kept, self.identities.forgetting),
            forgetting=Forgetting(self.identities, kept),
            presets=presets,
        )
        pipeline = FacePipeline(residency, max_pixels=1_000_000, namer=known.namer)
        self.jobs, self.blobs = MemoryJobs(settings), MemoryBlobs()
        people = people_works(known, pipeline, self.blobs)
        works = dict(build_works(settings, residency, self.blobs, people))
        turns = Turns(seconds=60, serve_interactive=lambda: None)
        works["reembed"] = ToldWork(known.reembedding(pipeline, self.jobs, turns), residency)
        self.runner = JobRunner(
            jobs=self.jobs,
            blobs=self.blobs,
            pipeline=pipeline,
            works=works,
            lease_seconds=15,
        )
        self._numbers = itertools.count(1)

    def ended(self, options: JobOptions, *contents: bytes) -> Job:
        """A job with these files, once it is done."""
        job_id = f"job_{next(self._numbers)}"
        keys = blob_keys(job_id, len(contents)) if contents else ()
        for key, content in zip(keys, contents, strict=True):
            self.blobs.put(key, content)
        self.jobs.submit(NewJob(id=job_id, options=options, route=ROUTE, blob_keys=keys))
        self.runner.run(job_id)
        return self.jobs.get(job_id)

    def result(self, options: JobOptions, *contents: bytes) -> dict[str, Any]:
        """What a job answers that succeeds, as clients are told it."""
        job = self.ended(options, *contents)
        assert job.state is JobState.SUCCEEDED, job.error
        [told] = told_results(self.identities, UID, [job.result_json or ""]).texts
        found: dict[str, Any] = json.loads(told)
        return found

    def person(self, id_: str) -> None:
        """A person without faces."""
        new = NewPerson(id=id_, name=id_.replace("_", " "))
        noted = AuditEvent(action="person.created", by="ada")
        self.identities.persons.put(UID, new, audit=noted)
