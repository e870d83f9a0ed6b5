"""T7, T8: one poison task among many disturbs nobody; messages that come three times, in any order, count once."""

import datetime as dt
import itertools
import json
import random
import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from fallout.models import Fallout
from fulfillment import adapters, calling, execution, planning, receipt, recovery
from fulfillment.adapters import Answer, Call
from fulfillment.adapters.provisioning.fake import Fake as Provisioning
from fulfillment.models import Flow, Task
from kernel import outbox
from kernel.models import AuditEntry, OutboxEvent
from tests.factories import fulfillment as make
from tests.factories.crm import SiteFactory
from tests.faults import crowd
from tests.faults.conftest import Figure

pytestmark = [pytest.mark.slow]

API: dict[str, Any] = {"kind": "api_call", "adapter": "provisioning", "operation": "port.create", "max_attempts": 4}
PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Poisoned(Provisioning):
    """Everything works but one task, for which there is never an answer."""

    poison: str = ""

    def do(self, call: Call) -> Answer:
        """No answer to the poison."""
        if call.task == self.poison:
            self.calls.append(call)
            return Answer("unknown", kind="external_timeout", cause="The provisioning system did not answer in time")
        return super().do(call)


def roots(number: int, *items: dict[str, Any]) -> None:
    """So many flows of a plan with these items, started."""
    make.plan("crowded", *items)
    site = SiteFactory()
    asked = [make.request("crowded", site) for _ in range(number)]
    planning.plan(asked)
    for one in asked:
        execution.start(one.root_type, one.root_id)


@pytest.mark.django_db
def test_one_poison_task_backs_off_and_falls_out_and_the_others_pass_it(
    figure: Figure, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "BACKOFF", 2000.0)  # the first wait is longer than all others take
    monkeypatch.setattr(calling, "LONGEST", 20_000.0)
    number = 1000 if full else 60
    roots(number, {"key": "plan"}, {"key": "call", "after": ["plan"], **API}, {"key": "end", "after": ["call"]})
    fake = Poisoned()
    poison = Task.objects.filter(key="call").order_by("pk")[number // 2]
    fake.poison = poison.number
    waits: list[float] = []
    with adapters.replaced(fake):
        while execution.run_ready():
            pass
        others = Flow.objects.exclude(pk=poison.flow_id).exclude(state="completed").count()
        while (task := Task.objects.get(pk=poison.pk)).state == Task.State.FAILED:
            waits.append((task.due_at - timezone.now()).total_seconds())
            recovery.sweep()
            assert execution.run_ready() == 0, "it was tried before its time"
            Task.objects.filter(pk=poison.pk).update(due_at=PAST)
            recovery.sweep()
            execution.run_ready()
    outbox.drain()
    figure("T7", "flows beside the poison that are not complete", others, exactly=0)
    figure("T7", "tries of the poison", Counter(call.task for call in fake.calls)[poison.number], exactly=4)
    figure("T7", "waits between them grow", waits == sorted(waits) and waits[0] >= 13 and len(waits) == 3, exactly=True)
    figure("T7", "fallouts, all of the poison", Fallout.objects.filter(state="open").count(), exactly=1)
    assert Fallout.objects.get().task_id == poison.pk
    figure("T7", "calls for the others", len(fake.calls) - 4, exactly=number - 1)


def post(payload: dict[str, Any]) -> int:
    """One callback, signed; its status."""
    body, stamp = json.dumps(payload).encode(), str(int(time.time()))
    headers = {"X-Trunkline-Timestamp": stamp, "X-Trunkline-Signature": receipt.sign(stamp, body)}
    sent = Client().post("/callbacks/provisioning/", body, content_type="application/json", headers=headers)
    return int(sent.status_code)


def shuffled() -> list[dict[str, Any]]:
    """For each call: its end three times, twice more under other names, and three times that it goes on."""
    messages: list[dict[str, Any]] = []
    for task in Task.objects.filter(key="call"):
        about = {"task": task.number, "key": task.idempotency_key}
        done = {**about, "status": "completed", "outputs": {"pe_port": f"xe-{task.pk}"}}
        messages += [{**done, "event_id": f"{task.pk}-done"}] * 3
        messages += [{**done, "event_id": f"{task.pk}-again-{n}"} for n in range(2)]
        messages += [{**about, "event_id": f"{task.pk}-progress", "status": "progress"}] * 3
    random.Random(7).shuffle(messages)
    return messages


def sent(messages: list[dict[str, Any]]) -> Counter[int]:
    """Send them by four senders at once; how often each status was answered."""
    statuses: Counter[int] = Counter()

    def send(share: list[dict[str, Any]]) -> None:
        try:
            statuses.update(post(message) for message in share)
        finally:
            connection.close()

    senders = [threading.Thread(target=send, args=(messages[n::4],)) for n in range(4)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
    return statuses


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_callbacks_that_come_three_times_in_any_order_count_once(figure: Figure, full: bool) -> None:
    number = 200 if full else 12
    roots(number, {"key": "call", **API, "outputs": ["pe_port"]}, {"key": "end", "after": ["call"]})
    with adapters.replaced(Provisioning(script=[Answer("accepted", status=202)] * number)):
        execution.run_ready()
    messages = shuffled()
    statuses = sent(messages)
    execution.run_ready()
    completed = AuditEntry.objects.filter(subject_type="fulfillment.task", action="complete")
    each = Counter(completed.values_list("subject_id", flat=True))
    supplied = Counter(
        payload["task_id"]
        for payload in OutboxEvent.objects.filter(kind="fulfillment.TaskSuppliedValues").values_list(
            "payload", flat=True
        )
    )
    figure("T8", "callbacks sent, each three times and shuffled", len(messages))
    figure("T8", "callbacks not answered 200", len(messages) - statuses[200], exactly=0)
    figure("T8", "flows that did not complete", Flow.objects.exclude(state="completed").count(), exactly=0)
    figure("T8", "tasks completed other than once", sum(n != 1 for n in each.values()), exactly=0)
    figure(
        "T8",
        "values supplied other than once",
        number - len(supplied) + sum(n != 1 for n in supplied.values()),
        exactly=0,
    )
    assert crowd.wrong(connection.connection) == {}
    assert len(list(itertools.chain(each))) == 2 * number
