"""Beat: periodic work from the database; changes of it are looked for now and then, not at every tick."""

import time

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

LOOK = 30.0  # seconds until a changed schedule is noticed
RETIRED = ("deliver-outbox", "sweep-engine", "escalate-fallout")  # once in the settings; now parts of "sweep"


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """The scheduler of django-celery-beat, which would ask the database several times a second even when idle."""

    sync_every = 900  # seconds between two notes of when each ran last; it matters to a restart only
    _looked = 0.0

    def setup_schedule(self) -> None:
        """Read the schedule, rid of entries that earlier versions had."""
        PeriodicTask.objects.filter(name__in=RETIRED).delete()
        super().setup_schedule()

    def schedule_changed(self) -> bool:
        """Whether somebody has changed the schedule since it was read; asked once in LOOK seconds."""
        if time.monotonic() - self._looked < LOOK:
            return False
        self._looked = time.monotonic()
        return bool(super().schedule_changed())
