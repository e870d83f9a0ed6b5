"""The administration of the catalogue: only drafts change, and what the workspace refuses is refused here too."""

import html
from decimal import Decimal

import pytest
from django.contrib.admin import site
from django.db.models import CheckConstraint
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.admin.entries import CharacteristicForm
from catalog.models import Characteristic, ExchangeRate, MarginFloor, Offering, PriceEntry, Specification
from kernel.models import AuditEntry, User
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    return client


@pytest.mark.parametrize("name", [
    "category", "specification", "offering", "pricelist", "priceentry", "priceadjustment", "dependency", "sampleorder",
    "decompositionrule", "pricematrix", "exchangerate", "currencyrule", "prorationrule", "marginfloor",
])  # fmt: skip
def test_every_list_opens_and_is_searched(admin: Client, name: str) -> None:
    assert admin.get(reverse(f"admin:catalog_{name}_changelist"), {"q": "dia"}).status_code == 200


def test_what_is_active_is_only_read(admin: Client) -> None:
    offering = catalog.offering("dia")
    page = admin.get(reverse("admin:catalog_offering_change", args=[offering.pk])).content.decode()
    assert 'name="short_name"' not in page
    draft = Offering.objects.create(key="new", kind="bundle", name="New", category=offering.category)
    page = admin.get(reverse("admin:catalog_offering_change", args=[draft.pk])).content.decode()
    assert 'name="short_name"' in page
    assert "admin-autocomplete" in page
    assert admin.get(reverse("admin:catalog_offering_history", args=[draft.pk])).status_code == 200


def test_a_characteristic_is_checked_at_its_field() -> None:
    owner = Specification.objects.create(key="thing", kind="product", name="Thing")
    form = CharacteristicForm(
        {"key": "size", "name": "Size", "type": "choice", "source": "customer", "position": 0, "choices": "[]"},
        instance=Characteristic(specification=owner),
    )
    assert form.errors == {"choices": ["List the values that may be chosen, one a line."]}


def test_money_is_only_added_to_and_floors_are_changed(admin: Client) -> None:
    today = timezone.localdate()
    old = ExchangeRate.objects.create(source="EUR", target="CHF", valid_from=today, rate=Decimal("0.93"))
    assert admin.post(reverse("admin:catalog_exchangerate_change", args=[old.pk]), {"rate": "2"}).status_code == 403
    floor = MarginFloor.objects.create(role="sales_agent", percent=20)
    page = reverse("admin:catalog_marginfloor_change", args=[floor.pk])
    assert admin.post(page, {"role": "sales_agent", "segment": "", "percent": "100"}).status_code == 200
    assert admin.post(page, {"role": "sales_agent", "segment": "", "percent": "12.5"}).status_code == 302
    entry = AuditEntry.objects.filter(subject_type="catalog.marginfloor", subject_id=floor.pk).latest("pk")
    assert entry.changes == {"percent": ["20.00", "12.5"]}
    told = admin.get(reverse("admin:catalog_marginfloor_history", args=[floor.pk])).content.decode()
    assert "percent: 20.00 → 12.5" in told
    assert "root" in told


def test_prices_are_checked_as_in_the_workspace(admin: Client) -> None:
    offering, prices = catalog.offering("dia"), catalog.price_list()
    page = reverse("admin:catalog_priceentry_add")
    values = {
        "price_list": prices.pk, "offering": offering.pk, "charge": "one_time", "label": "Extra", "amount": "5",
        "period": "12", "allowance": "0", "tiers": "[]", "when": '{"colour": "red"}',
    }  # fmt: skip
    told = html.unescape(admin.post(page, values).content.decode())
    assert "has no “colour”" in told
    assert "Only a recurring price has a period." in told
    fixed = {**values, "period": "1", "when": '{"bandwidth": "1G"}'}
    assert admin.post(page, fixed).status_code == 302
    entry = PriceEntry.objects.get(label="Extra")
    assert AuditEntry.objects.filter(subject_type="catalog.priceentry", subject_id=entry.pk).exists()
    head = {"key": prices.key, "name": prices.name, "currency": "CHF", "valid_from": "2026-01-01"}
    said = admin.post(reverse("admin:catalog_pricelist_change", args=[prices.pk]), head).content.decode()
    assert "Make another list." in said


def test_every_constraint_that_a_form_can_meet_says_what_is_wrong() -> None:
    models = [one for one in site._registry if one._meta.app_label in ("catalog", "crm")]
    silent = [
        constraint.name for model in models for constraint in model._meta.constraints
        if isinstance(constraint, CheckConstraint)
        and constraint.violation_error_message == CheckConstraint.default_violation_error_message
    ]  # fmt: skip
    assert silent == []
