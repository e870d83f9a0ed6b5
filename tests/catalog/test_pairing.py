"""What goes together: process admins keep rules between products; nonsense is refused, and each is tried first."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog import composition, pairing
from catalog.models import Dependency, Specification
from kernel.models import AuditEntry, User
from kernel.refusal import Refusal
from orders import pairtrial
from tests.factories.orders import Shop, stock
from tests.factories.people import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LIST, NEW, TRIAL = (
    "/rules/together/", "/rules/together/new/", "/orders/rehearsal/together/",
)  # fmt: skip


@pytest.fixture
def nils() -> User:
    return UserFactory(role="process_admin")


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def spec(key: str) -> Specification:
    return Specification.objects.get(key=key)


def fields(source: str, kind: str, *targets: str, scope: str = "site") -> dict[str, object]:
    return {"source": spec(source).pk, "kind": kind, "targets": [spec(key).pk for key in targets], "scope": scope}


def test_a_rule_is_kept_changed_and_taken_away_and_counts_at_once(nils: User) -> None:
    stock()
    client, phones, internet = as_(nils), spec("t-phones"), spec("t-internet")
    assert client.post(NEW, fields("t-phones", "requires", "t-internet")).status_code == 302
    made = Dependency.objects.get(source=phones)
    assert [clash.text for clash in composition.missing_requirements({None: [phones.pk]})] == [
        "Phones needs Dedicated internet at the same site."
    ]
    page = client.get(LIST).content.decode()
    assert "Phones" in page
    assert "Dedicated internet" in page
    assert client.post(f"{LIST}{made.pk}/", fields("t-phones", "excludes", "t-internet")).status_code == 302
    assert not composition.missing_requirements({None: [phones.pk]})
    assert composition.missing_requirements({None: [phones.pk, internet.pk]})
    assert client.post(f"{LIST}{made.pk}/remove/").status_code == 302
    assert not Dependency.objects.filter(source=phones).exists()
    told = AuditEntry.objects.filter(subject_type="catalog.dependency", subject_id=made.pk).order_by("pk")
    assert [(entry.action, entry.actor) for entry in told] == [("created", nils), ("changed", nils), ("removed", nils)]
    assert told[2].changes["rule"][0] == "Phones cannot be together with Dedicated internet at the same site."


@pytest.mark.parametrize(
    ("source", "kind", "targets", "said"),
    [
        ("t-phones", "requires", [], "Choose at least one product"),
        ("t-phones", "requires", ["t-phones"], "cannot need itself"),
        ("t-phones", "excludes", ["t-phones", "t-internet"], "cannot exclude itself"),
        ("t-sdwan", "requires", ["t-internet"], "there already"),
        ("t-sdwan", "excludes", ["t-internet"], "contradicts “SD-WAN site needs Dedicated internet"),
        ("t-internet", "excludes", ["t-sdwan"], "contradicts “SD-WAN site needs Dedicated internet"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    nils: User, source: str, kind: str, targets: list[str], said: str
) -> None:
    stock()
    refused = as_(nils).post(NEW, fields(source, kind, *targets))
    assert (refused.status_code, said in refused.content.decode()) == (422, True)
    assert Dependency.objects.count() == 1
    assert "0 rules" not in as_(nils).get(LIST).content.decode()


def test_only_process_admins_see_and_change_them() -> None:
    stock()
    rule = Dependency.objects.get()
    for role in ("sales_agent", "order_manager", "fallout_agent"):
        client = as_(UserFactory(role=role))
        for url in (LIST, NEW, f"{LIST}{rule.pk}/", TRIAL):
            assert client.get(url).status_code == 403
        assert client.post(f"{LIST}{rule.pk}/remove/").status_code == 403
    assert as_(UserFactory(role="process_admin")).get(f"{LIST}999999/").status_code == 404
    with pytest.raises(Refusal):
        pairing.keep(pk=None, source=spec("t-sdwan"), kind="requires", scope="site", targets=[], by=User())


def test_the_trial_names_orders_and_customers_that_would_break_it_in_few_queries(nils: User) -> None:
    shop = Shop()
    order = shop.submitted(sites=2)
    rule = {"source": spec("t-internet"), "kind": "requires", "scope": "site", "targets": [spec("t-phones")]}
    assert nils.has_perm("orders.view_order")  # once looked up, kept
    with CaptureQueriesContext(connection) as few:
        found = pairtrial.try_out(**rule, by=nils)
    assert (found.in_orders, len(found.breaks), found.orders) == (1, 2, 1)
    assert found.breaks[0].text == "Dedicated internet needs Phones at the same site."
    shop.submitted(sites=3)
    with CaptureQueriesContext(connection) as more:
        assert pairtrial.try_out(**rule, by=nils).in_orders == 2
    assert len(more) == len(few)
    assert Dependency.objects.count() == 1
    client = as_(nils)
    page = client.get(TRIAL, fields("t-internet", "requires", "t-phones")).content.decode()
    assert order.number in page
    assert "2 open orders would be warned" in page
    assert "contradicts" in client.get(TRIAL, fields("t-internet", "excludes", "t-sdwan")).content.decode()
    assert "Nothing would break it" in client.get(TRIAL, fields("t-phones", "requires", "t-sdwan")).content.decode()
    assert client.get(TRIAL).status_code == 422
    assert reverse("orders:pairing_trial") == TRIAL
