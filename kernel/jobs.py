"""Jobs: wake a worker after the commit. The database holds the work, so a lost message costs only time."""

import logging
from typing import Any

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)


def wake(task: str, *, queue: str = "default", **arguments: Any) -> None:
    """Send one Celery message after the present transaction commits, once per task and arguments."""
    key = (task, queue, tuple(sorted(arguments.items())))
    connection = transaction.get_connection()
    if not connection.in_atomic_block:
        _send(task, queue, arguments)
        return
    pending: set[Any] = {getattr(call[1], "wake_key", None) for call in connection.run_on_commit}
    if key in pending:
        return

    def send() -> None:
        _send(task, queue, arguments)

    send.wake_key = key  # type: ignore[attr-defined]
    transaction.on_commit(send, robust=True)


def _send(task: str, queue: str, arguments: dict[str, Any]) -> None:
    try:
        current_app.send_task(task, kwargs=arguments, queue=queue, retry=False)
    except Exception as error:  # the sweeper finds what no message announced
        log.warning("could not wake %s: %s", task, error)
