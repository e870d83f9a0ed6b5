"""Beat: periodic work from the database; changes of it are looked for now and then, not at every tick."""

import time

from django_celery_beat.schedulers import DatabaseScheduler

LOOK = 15.0  # seconds until a changed schedule is noticed


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """The scheduler of django-celery-beat, which would ask the database several times a second even when idle."""

    _looked = 0.0

    def schedule_changed(self) -> bool:
        """Whether somebody has changed the schedule since it was read; asked once in LOOK seconds."""
        if time.monotonic() - self._looked < LOOK:
            return False
        self._looked = time.monotonic()
        return bool(super().schedule_changed())
