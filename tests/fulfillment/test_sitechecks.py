"""Site checks at a partner: asked once by key, answered by signed callback; repeats and late ones have no effect."""

import datetime as dt
import json
import time
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.models import Offering
from cmdb import feasibility
from cmdb.models import FeasibilityCheck
from contracts import quotechecks, quotecompleteness
from contracts.models import Quote, QuoteLine
from fulfillment import adapters, receipt, sitechecks
from fulfillment.adapters import Answer
from fulfillment.adapters.feasibility.fake import Fake
from kernel import outbox
from kernel.models import DecisionTable
from tests.factories import catalog
from tests.factories import contracts_quotes as make

pytestmark = [pytest.mark.django_db]
TOLD = {"result": "off_net", "technology": "fibre", "lead_days": 80, "build_cost": "5200", "max_mbps": 10_000}


@pytest.fixture
def asked() -> QuoteLine:
    """A line whose site only a partner reaches."""
    catalog.publish()
    table = DecisionTable.objects.get(key="feasibility", state="active")
    rows = [{**row, "provider": "'partner'"} for row in table.rows]
    outputs = [*table.outputs, {"name": "provider"} if isinstance(table.outputs[0], dict) else "provider"]
    DecisionTable.objects.filter(pk=table.pk).update(rows=rows, outputs=outputs)
    account, sites = make.customer(1)
    quote = make.quote(account)
    Offering.objects.filter(key="dia").update(needs_feasibility=True)
    return make.line(quote, sites[0])


def sent(check: FeasibilityCheck, event: str = "e-1", **more: Any) -> Any:
    body = {"event_id": event, "key": check.number, "status": "completed", "outputs": TOLD} | more
    content, stamp = json.dumps(body).encode(), str(int(time.time()))
    return Client().post(
        reverse("fulfillment:callback", args=["feasibility"]), content, content_type="application/json",
        headers={"X-Trunkline-Timestamp": stamp, "X-Trunkline-Signature": receipt.sign(stamp, content)},
    )  # fmt: skip


def check_of(line: QuoteLine) -> FeasibilityCheck:
    return FeasibilityCheck.objects.get(pk=QuoteLine.objects.get(pk=line.pk).feasibility_id)


def test_a_partner_is_asked_once_and_its_callback_prices_the_quote(asked: QuoteLine) -> None:
    check = check_of(asked)
    assert (check.result, check.provider) == ("open", "partner")
    assert any(problem.kind == "check" for problem in quotecompleteness.problems(Quote.objects.get(pk=asked.quote_id)))
    assert "still open" in quotechecks.still_open(Quote.objects.get(pk=asked.quote_id))
    fake = Fake()
    with adapters.replaced(fake):
        assert sitechecks.ask_due() == 1
        assert sitechecks.ask_due() == 0  # its time comes again only when the partner stays silent
    assert fake.effects == {str(check.number): 1}
    before = Quote.objects.get(pk=asked.quote_id).one_time
    assert sent(check).json() == {"effect": "completed"}
    assert sent(check).json() == {"effect": "repeat"}
    assert sent(check, "e-2", outputs=TOLD | {"result": "on_net"}).json() == {"effect": "none"}  # the first one counts
    answered = check_of(asked)
    assert (answered.result, answered.build_cost, answered.lead_days) == ("off_net", Decimal("5200.00"), 80)
    outbox.drain()
    assert Quote.objects.get(pk=asked.quote_id).one_time > before
    assert quotechecks.still_open(Quote.objects.get(pk=asked.quote_id)) == ""


def test_a_forged_callback_changes_nothing(asked: QuoteLine) -> None:
    check = check_of(asked)
    body = json.dumps({"event_id": "x", "key": check.number, "status": "completed", "outputs": TOLD})
    answer = Client().post(
        reverse("fulfillment:callback", args=["feasibility"]), body, content_type="application/json",
        headers={"X-Trunkline-Timestamp": str(int(time.time())), "X-Trunkline-Signature": "sha256=00"},
    )  # fmt: skip
    assert (answer.status_code, check_of(asked).result) == (401, "open")


def test_a_silent_partner_is_asked_again_and_given_up_in_the_end(asked: QuoteLine) -> None:
    check = check_of(asked)
    fake = Fake(script=[Answer("unknown", cause="no answer") for _ in range(sitechecks.MOST_TRIES)])
    for _ in range(sitechecks.MOST_TRIES):
        past = timezone.now() - dt.timedelta(seconds=1)
        FeasibilityCheck.objects.filter(pk=check.pk).update(next_try_at=past)
        with adapters.replaced(fake):
            assert sitechecks.ask_due() == 1
    assert {call.key for call in fake.calls} == {str(check.number)}
    given_up = check_of(asked)
    assert (given_up.next_try_at, given_up.attempts) == (None, sitechecks.MOST_TRIES)
    assert "does not answer" in given_up.reason
    assert not feasibility.waits(given_up, asked.characteristics)  # pressing “check” asks anew


def test_a_refusal_and_too_slow_a_line_are_told(asked: QuoteLine) -> None:
    check = check_of(asked)
    assert sent(check, outputs=TOLD | {"max_mbps": 500}).json() == {"effect": "completed"}
    slow = check_of(asked)
    assert (slow.result, [one["bandwidth"] for one in slow.alternatives]) == ("impossible", ["100M", "500M"])
    taken = reverse("contracts:quote_take", args=[asked.quote.number, asked.quote.version, asked.pk])
    client = Client()
    client.force_login(make.seller())
    assert client.post(taken, {"bandwidth": "10G"}).status_code == 422
    assert client.post(taken, {"bandwidth": "500M"}).status_code == 302
    assert QuoteLine.objects.get(pk=asked.pk).characteristics["bandwidth"] == "500M"
    page = client.get(reverse("contracts:quote_checks", args=[asked.quote.number, asked.quote.version]))
    assert "1 is with a partner" in page.content.decode()
    again = check_of(asked)
    assert sent(again, "e-9", status="failed", code="address_unknown", message="No such street.").status_code == 200
    assert "No such street." in check_of(asked).reason
