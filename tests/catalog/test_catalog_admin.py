"""The administration of the catalogue: only drafts change, and what the workspace refuses is refused here too."""

import pytest
from django.test import Client
from django.urls import reverse

from catalog.admin import CharacteristicForm
from catalog.models import Characteristic, Offering, Specification
from kernel.models import User
from tests.factories import catalog

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue")]


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    return client


@pytest.mark.parametrize("name", [
    "category", "specification", "offering", "pricelist", "priceentry", "priceadjustment", "dependency", "sampleorder",
    "decompositionrule",
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
