"""Two people mend the same record at once: the task is retried once, the other is told."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from fallout import resolution
from fallout.models import Fallout
from kernel import roles
from kernel.models import AuditEntry
from kernel.refusal import Conflict
from tests.factories import fallout as made
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


def _at_once(*acts: Callable[[], Any]) -> list[Any]:
    start, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(at: int) -> None:
        try:
            start.wait(10)
            results[at] = acts[at]()
        except Conflict as refusal:
            results[at] = refusal
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return results


def test_one_retries_the_other_is_told(transactional_db: None) -> None:
    from django.db import transaction

    roles.synchronise()
    first, second = UserFactory(role="fallout_agent"), UserFactory(role="fallout_agent")
    with transaction.atomic():
        record = made.fallout()
    results = _at_once(
        lambda: resolution.retry(fallout_id=record.pk, by=first),
        lambda: resolution.edit_and_retry(fallout_id=record.pk, by=second, raw={"vlan": "2131"}),
    )
    assert sum(isinstance(result, Fallout) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 1
    assert AuditEntry.objects.filter(subject_type="fulfillment.task", action="resume").count() == 1
