"""Sweeping: one question to the database finds whatever no message announced; only what waits is woken.

Each app says beside its tasks how to ask whether they have something to do. All answers come in one statement, so an
idle product costs that one statement a round, however many sweeps there are.
"""

from dataclasses import dataclass

from django.db import connection

from kernel import jobs


@dataclass(frozen=True)
class Watch:
    """A task to wake, its queue, and an SQL condition that holds while it has something to do."""

    task: str
    queue: str
    question: str


_watches: dict[str, Watch] = {}


def watch(task: str, question: str, *, queue: str = "default") -> None:
    """Wake this task whenever the condition holds. It is asked every few seconds: an index must answer it."""
    _watches[task] = Watch(task, queue, question)


def look() -> list[str]:
    """Ask everything at once and wake what has work. Returns the names of those tasks."""
    known = list(_watches.values())
    if not known:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'({one.question})' for one in known)}")
        (answers,) = cursor.fetchall()
    due = [one for one, answer in zip(known, answers, strict=True) if answer]
    for one in due:
        jobs.wake(one.task, queue=one.queue)
    return [one.task for one in due]
