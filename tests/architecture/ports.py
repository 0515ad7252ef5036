"""The ports of stores, queues and servers, and who proves their promises."""

#: Every port, its implementations, and the suite all of them pass.
PORTS = {
    "workers.jobs.store.JobStore": (
        ("workers.jobs.memory_store.MemoryJobs", "workers.jobs.redis_store.RedisJobs"),
        "tests/contract/test_job_store.py",
    ),
    "workers.batches.store.BatchStore": (
        # One implementation on two stores: an imitation in the process and a real server.
        ("workers.batches.redis_store.RedisBatches",),
        "tests/contract/batches/world.py",
    ),
    "workers.batches.store.ChunkStore": (
        ("workers.batches.redis_chunks.RedisChunks",),
        "tests/contract/batches/world.py",
    ),
    "workers.jobs.changes.Changes": (
        ("workers.jobs.changes.LocalChanges", "workers.jobs.redis_changes.RedisChanges"),
        "tests/contract/test_changes.py",
    ),
    "api.kept_answers.KeptAnswers": (
        ("api.kept_answers.MemoryKeptAnswers", "api.redis_kept_answers.RedisKeptAnswers"),
        "tests/contract/test_kept_answers.py",
    ),
    "api.store_memory.StoreGauge": (
        ("api.store_memory.FixedGauge", "api.redis_store_gauge.RedisStoreGauge"),
        "tests/contract/test_store_gauge.py",
    ),
    "api.traffic.TrafficStore": (
        ("api.traffic.MemoryTraffic", "api.redis_traffic.RedisTraffic"),
        "tests/contract/test_traffic.py",
    ),
    "api.resumable.uploads.UploadStore": (
        # The same.
        ("api.resumable.redis_uploads.RedisUploads",),
        "tests/contract/uploads/test_upload_store.py",
    ),
    "api.accounts.users.UserStore": (
        ("api.accounts.redis_users.RedisUsers",),
        "tests/contract/people/conftest.py",
    ),
    "api.accounts.sessions.SessionStore": (
        ("api.accounts.redis_sessions.RedisSessions",),
        "tests/contract/people/conftest.py",
    ),
    "api.accounts.lockout.Lockout": (
        ("api.accounts.redis_lockout.RedisLockout",),
        "tests/contract/people/conftest.py",
    ),
    "api.accounts.keys.KeyStore": (
        ("api.accounts.redis_keys.RedisKeys",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.accounts.key_ring.KeyRingStore": (
        ("api.accounts.redis_key_ring.RedisKeyRing",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.accounts.audit.AuditLog": (
        ("api.accounts.redis_audit.RedisAudit",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.accounts.usage.UsageCounts": (
        ("api.accounts.redis_usage.RedisUsage",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.limits.limiter.Limiter": (
        ("api.limits.memory_limiter.MemoryLimiter", "api.limits.redis_limiter.RedisLimiter"),
        "tests/contract/limits/conftest.py",
    ),
    "api.live.tickets.Tickets": (
        ("api.live.tickets.MemoryTickets", "api.live.redis_live.RedisTickets"),
        "tests/contract/live/test_live_stores.py",
    ),
    "api.live.places.Places": (
        ("api.live.places.MemoryPlaces", "api.live.redis_live.RedisPlaces"),
        "tests/contract/live/test_live_stores.py",
    ),
    "workers.dispatch.JobQueue": (
        ("workers.dispatch.MemoryJobQueue", "workers.dispatch.CeleryJobQueue"),
        "tests/contract/test_job_queue.py",
    ),
    "workers.identities.store.CollectionStore": (
        # One implementation on two stores: an imitation in the process and a real server.
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.store.PersonStore": (
        # The same, as of the next three.
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.store.FaceLog": (
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.forgetting_store.ForgettingStore": (
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.reembedding_store.ReembeddingStore": (
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.vault.KeyVault": (
        (
            "workers.identities.vault.MemoryVault",
            "workers.identities.folder_vault.FolderVault",
            "workers.identities.obstore_vault.ObstoreVault",
        ),
        "tests/contract/keys/test_key_vault.py",
    ),
    "workers.identities.seals.Seals": (
        # One implementation on three vaults.
        ("workers.identities.keys.VaultSeals",),
        "tests/contract/keys/conftest.py",
    ),
    "workers.identities.search.FaceSearcher": (
        (
            "workers.identities.index.searcher.LocalSearcher",
            "workers.identities.engine.searcher.EngineSearcher",
        ),
        "tests/contract/identities/test_face_searcher.py",
    ),
    "workers.blobs.store.BlobStore": (
        ("workers.blobs.store.MemoryBlobs", "workers.blobs.obstore_store.ObstoreBlobs"),
        "tests/contract/test_blob_store.py",
    ),
    "vram.ledger.VramLedger": (
        # One implementation on two stores: an imitation in the process and a real server.
        ("vram.redis_ledger.RedisLedger",),
        "tests/contract/ledger/desk.py",
    ),
    "vram.fleet.Fleet": (
        # The same.
        ("vram.redis_fleet.RedisFleet",),
        "tests/contract/fleet/conftest.py",
    ),
    "vram.probe.MemoryProbe": (
        ("vram.probe.SimulatedProbe", "vram.probe.FixedProbe", "vram.nvml.NvmlProbe"),
        "tests/contract/test_memory_probe.py",
    ),
    "models.contract.InferenceSession": (
        (
            "models.testing.ScriptedSession",
            "models.session.OnnxSession",
            "models.litert.LiteRtSession",
        ),
        "tests/contract/test_session.py",
    ),
}
