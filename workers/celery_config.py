"""Celery's settings, every one explicit; docs/explanation/celery-settings.md gives the reasons."""

from collections.abc import Mapping
from typing import Any, Literal

from kombu import Exchange, Queue

from workers.contract import (
    QUEUE_MAINTENANCE,
    TASK_ANALYZE,
    TASK_DISPATCH,
    TASK_FORGET,
    TASK_SWEEP_BLOBS,
    device_of,
    local_device,
    served_queues,
)
from workers.settings.process import Settings

#: Every queue has one Redis list under this prefix.
KEY_PREFIX = "fq:"
#: How often due wake-ups are sent and silent workers' jobs are taken back.
DISPATCH_EVERY_SECONDS = 2.0
SWEEP_EVERY_SECONDS = 60.0
#: How long after a deletion its keys are destroyed, at most, while workers run.
FORGET_EVERY_SECONDS = 5.0
#: Connections a gateway process publishes through; who finds none free waits.
GATEWAY_BROKER_CONNECTIONS = 16
#: Time a worker that is told to stop leaves its jobs to end.
SOFT_SHUTDOWN_SECONDS = 30


def job_queue(name: str) -> Queue:
    """A queue of jobs as Celery wants it.

    The nameless exchange: messages go straight to the queue's list, and no record of bindings
    grows with every device there ever was, to be read again for every message.

    Raises:
        ValueError: it is no job queue's name.
    """
    device_of(name)
    return Queue(name, Exchange(""), routing_key=name)


def route_message(
    name: str,
    args: object,
    kwargs: object,
    options: Mapping[str, Any],
    task: object = None,
    **_: object,
) -> dict[str, Any] | None:
    """Celery's router: a job's message goes to the queue its routing key names.

    Devices come and go, so publishers hold no list of queues. The decision itself was made, and
    stored with the job, by `workers.router` before there was a message: a message that comes
    early must find the job as it is routed.

    Raises:
        ValueError: the routing key is no job queue's name.
    """
    del args, kwargs, task
    # Where Celery itself sends a message again, it names the queue and leaves the key empty.
    routing_key = options.get("routing_key")
    if name != TASK_ANALYZE or routing_key is None:
        return None
    return {"queue": job_queue(routing_key)}


def celery_settings(settings: Settings, role: Literal["worker", "gateway"]) -> dict[str, Any]:
    """The configuration of one process.

    The gateway publishes and must answer its client soon; a worker may wait longer.
    """
    is_gateway = role == "gateway"
    # Without a socket timeout a half-open connection leaves a worker deaf and a gateway thread
    # blocked for good.
    timeout_seconds = settings.redis_timeout_seconds if is_gateway else 10
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        "broker_transport": "workers.broker:Transport",
        "broker_transport_options": {
            "global_keyprefix": KEY_PREFIX,
            # A backstop only: leases bring jobs back. Longer than any task may take.
            "visibility_timeout": 3 * settings.task_time_limit_seconds,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_timeout": timeout_seconds,
            "socket_connect_timeout": settings.redis_timeout_seconds if is_gateway else 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # The order of `task_queues` is the order of service.
            "queue_order_strategy": "priority",
            "priority_steps": [0],
            "client_name": f"facesocial-{role}-broker",
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        "broker_pool_limit": GATEWAY_BROKER_CONNECTIONS if is_gateway else 10,
        "broker_pool_acquire_timeout": 5,
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0.1,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
        "task_queues": _queues(settings, role),
        "task_routes": (route_message,),
        "task_default_queue": QUEUE_MAINTENANCE,
        "task_create_missing_queues": False,
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
        **_worker_settings(settings),
        **_beat_settings(),
    }


def _queues(settings: Settings, role: Literal["worker", "gateway"]) -> list[Queue]:
    """What a worker serves, in its order; others only send."""
    maintenance = Queue(QUEUE_MAINTENANCE, routing_key=QUEUE_MAINTENANCE)
    if role == "gateway":
        return [maintenance]
    own = served_queues(local_device(settings.device))
    return [maintenance, *(job_queue(name) for name in own if name != QUEUE_MAINTENANCE)]


def _worker_settings(settings: Settings) -> dict[str, Any]:
    return {
        "task_annotations": {TASK_ANALYZE: {"max_retries": 3, "default_retry_delay": 5}},
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_retry_on_worker_lost": True,
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "task_time_limit": settings.task_time_limit_seconds,
        "task_soft_time_limit": settings.task_time_limit_seconds * 9 // 10,
        # One process per device; on the CPU the launcher sets one per core.
        "worker_concurrency": settings.worker_concurrency or 1 if settings.device == "cpu" else 1,
        # Prefork, but a process that has to start afresh can leave between two tasks.
        "worker_pool": "workers.recycling:RecyclingPool",
        "worker_pool_start_method": "spawn",
        "worker_proc_alive_timeout": 120,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": False,
        # True loses jobs when the broker dies; claims make duplicates harmless.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_soft_shutdown_timeout": SOFT_SHUTDOWN_SECONDS,
        "worker_max_memory_per_child": 3 * 1024 * 1024 if settings.device == "cpu" else None,
        "worker_max_tasks_per_child": 2000 if settings.device == "cpu" else None,
        "worker_eta_task_limit": 100,
        "worker_enable_remote_control": True,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _beat_settings() -> dict[str, Any]:
    def every(task: str, seconds: float) -> dict[str, Any]:
        return {"task": task, "schedule": seconds, "options": {"queue": QUEUE_MAINTENANCE}}

    return {
        "beat_schedule": {
            "dispatch": every(TASK_DISPATCH, DISPATCH_EVERY_SECONDS),
            "sweep-blobs": every(TASK_SWEEP_BLOBS, SWEEP_EVERY_SECONDS),
            "forget": every(TASK_FORGET, FORGET_EVERY_SECONDS),
        },
    }
