"""Celery: messages only wake; the database holds what is to be done."""

import os
import select
from typing import Any

from celery import Celery
from celery.signals import task_postrun, task_prerun, worker_process_init
from django.db import connections

from config.processes import behind_people

app = Celery("trunkline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def look_after_connections(task: Any = None, **more: Any) -> None:
    """Keep a good connection from task to task; close one that is old, had an error, or that the server hung up.

    A server that hangs up says so: the connection has something to read although nothing was asked. To look there
    takes no statement, unlike Django's own check, which an idle worker would make several times in a row.
    """
    if task is None or task.request.is_eager:
        return
    for connection in connections.all(initialized_only=True):
        if connection.connection and not connection.connection.closed and _has_news(connection.connection.fileno()):
            connection.close()
        connection.close_if_unusable_or_obsolete()
        connection.health_check_done = True  # type: ignore[attr-defined]


def _has_news(handle: int) -> bool:
    look = select.poll()
    look.register(handle, select.POLLIN)
    return bool(look.poll(0))


task_prerun.connect(look_after_connections)
task_postrun.connect(look_after_connections)


def give_way(**more: Any) -> None:
    """People who wait for a page go first where both want the same processor."""
    os.nice(behind_people())


worker_process_init.connect(give_way)
