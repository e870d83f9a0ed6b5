"""Rules on prices: kept from the screen and checked at their fields, tried on sample orders, two editors told apart."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import PriceAdjustment, SampleOrder
from kernel.models import AuditEntry
from tests.factories import catalog
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]
LIST, NEW, TRY = (reverse(f"catalog:{name}") for name in ("adjustments", "adjustment_new", "adjustment_try"))


def as_(role: str = "product_manager") -> Client:
    client = Client()
    client.force_login(UserFactory(role=role))
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def fields(**values: Any) -> dict[str, Any]:
    return {
        "label": "Long term", "step": "volume", "position": "5", "charge": "recurring", "price_list": "",
        "condition": "term >= 60", "how": "percent", "value": "−30", "explanation": "{term} months, − 30 %",
        "active": "on", "offerings": [],
    } | values  # fmt: skip


def test_a_rule_is_made_changed_and_switched_off_and_each_change_is_told() -> None:
    client = as_()
    assert client.post(NEW, fields(offerings=[catalog.offering("dia").pk])).headers["Location"] == LIST
    rule = PriceAdjustment.objects.get(key="long-term")
    assert (rule.value, [one.key for one in rule.offerings.all()]) == ("-30", ["dia"])
    page = reverse("catalog:adjustment", args=["long-term"])
    shown = client.get(page)
    assert "Keep the rule" in text(shown)
    seen = shown.context["seen"]
    assert client.post(page, fields(value="-35", seen=seen)).status_code == 302
    late = client.post(page, fields(value="-40", seen=seen))
    assert late.status_code == 409
    assert "-35" in text(late)
    assert 'value="-40"' in text(late)  # what was typed is still there
    assert client.post(page, fields(value="-40", active="", seen=late.context["seen"])).status_code == 302
    rule = PriceAdjustment.objects.get(key="long-term")
    assert (rule.value, rule.active) == ("-40", False)
    told = AuditEntry.objects.filter(subject_type="catalog.priceadjustment", subject_id=rule.pk).order_by("id")
    assert [(one.action, one.changes.get("value")) for one in told] == [
        ("created", [None, "-30"]), ("changed", ["-30", "-35"]), ("changed", ["-35", "-40"])
    ]  # fmt: skip
    assert client.post(NEW, fields()).status_code == 302
    assert PriceAdjustment.objects.filter(key="long-term-2").exists()
    assert "switched off" in text(client.get(LIST))


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"condition": "term >="}, "condition", "is not a valid expression"),
        ({"condition": "bandwith == '1G'"}, "condition", "“bandwith” is not known here. There is region"),
        ({"value": ""}, "value", "Say by how much"),
        ({"value": "-101"}, "value", "A change is −100 % or more."),
        ({"value": "Infinity"}, "value", "is not known here"),
        ({"value": "term *"}, "value", "is not a valid expression"),
        ({"how": "factor", "value": "-1"}, "value", "A factor is 0 or more."),
        ({"how": "waive"}, "value", "Nothing is calculated"),
        ({"how": "amount"}, "price_list", "An amount has a currency"),
        ({"explanation": "{months} months"}, "explanation", "“months” is not known here."),
        ({"label": ""}, "label", "This field is required"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(values: dict[str, Any], field: str, said: str) -> None:
    refused = as_().post(NEW, fields(**values))
    assert refused.status_code == 422
    assert any(said in one for one in refused.context["form"].errors[field])
    assert not PriceAdjustment.objects.filter(label="Long term").exists()


def test_the_sample_orders_say_what_it_would_change_and_nothing_is_kept() -> None:
    SampleOrder.objects.create(
        key="s", name="One branch", price_list=catalog.price_list(), term=60,
        sites=[{"code": "A", "name": "A", "country": "NL", "region": "metro"}],
        lines=[{"offering": "dia", "sites": "all", "values": {"bandwidth": "1G"}}],
    )  # fmt: skip
    client, count = as_(), PriceAdjustment.objects.count()
    said = text(client.post(TRY, fields()))
    assert "1 sample order would cost something else." in said
    assert "One branch" in said
    assert "−" in said
    assert "No sample order would cost anything else." in text(client.post(TRY, fields(condition="term >= 61")))
    refused = client.post(TRY, fields(condition="term >="))
    assert (refused.status_code, "is not a valid expression" in text(refused)) == (422, True)
    assert PriceAdjustment.objects.count() == count


def test_who_may_not_is_told_so_and_the_list_asks_as_often_for_many() -> None:
    for role, sees, changes in (("sales_agent", 403, 403), ("finance", 200, 302), ("process_admin", 200, 302)):
        client = as_(role)
        assert client.get(LIST).status_code == sees
        assert client.post(NEW, fields(label=role)).status_code == changes
    client = as_()
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for number in range(5):
        client.post(NEW, fields(label=f"Rule {number}", offerings=[catalog.offering("dia").pk]))
    with CaptureQueriesContext(connection) as more:
        client.get(LIST)
    assert len(more) == len(few)
