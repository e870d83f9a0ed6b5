"""T25: every move of every lifecycle from every state that does not allow it: refused by each door, nothing changed."""

from collections.abc import Callable, Iterator
from typing import Any

import pgtrigger
import pytest
from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.test import Client
from django.urls import reverse
from django_fsm import FSMFieldMixin

from catalog.models import PriceMatrix
from contracts import proposals
from contracts.models import Clause, RepriceProposal, Termination
from fulfillment import execution, planfile
from fulfillment.models import Project
from kernel import lifecycle
from kernel.models import DecisionTable, User
from orders import flowdrafts
from tests.contracts.conftest import blank
from tests.factories import catalog as make_catalogue
from tests.factories import cmdb as make_inventory
from tests.factories import contracts as make_contract
from tests.factories import fallout as make_fallout
from tests.factories import fulfillment as make_flow
from tests.factories.crm import CaseFactory, LeadFactory, OpportunityFactory, SiteFactory
from tests.factories.orders import Shop
from tests.factories.people import UserFactory
from tests.faults import ledger
from tests.faults.conftest import Figure

SAMPLE = 5  # every fifth move is posted to the screen as well; every one in the full trial
pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def lifecycles() -> list[tuple[type[models.Model], str]]:
    """Every model with every field that a lifecycle moves."""
    return [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, FSMFieldMixin)
    ]


def _of_order(label: str) -> Callable[[], Any]:
    def make() -> Any:
        Shop().running()
        return apps.get_model(label)._default_manager.order_by("pk")[0]

    return make


def _project() -> Any:
    """The engine begins it, as for a site far from our network."""
    phases = [{"name": "Build", "tasks": [{"name": "Dig", "days": 10}]}]
    planfile.load_templates([{"key": "build", "name": "Build access", "budget_share": 50, "phases": phases}])
    make_flow.flow("far", {"key": "build", "kind": "project", "template": "build"}, data={"build_cost": 18000})
    execution.run_ready()
    return Project.objects.get()


def _sold(make: Callable[[], Any]) -> Callable[[], Any]:
    def publish_and_make() -> Any:
        make_catalogue.publish()
        return make()

    return publish_and_make


def _installed() -> Any:
    return make_inventory.chain(SiteFactory())


def _enrichment_flow() -> Any:
    return flowdrafts.create(
        by=UserFactory(role="process_admin"), key="t-flow", title="Technical data", specification="", action=""
    )


def _matrix() -> Any:
    sold = make_catalogue.offering("dia")
    return PriceMatrix.objects.create(key="t-m", name="Trial", offering=sold, price_list=make_catalogue.price_list())


def _clause() -> Any:
    return Clause.objects.create(key="t-clause", title="Trial", text="We try.")


def _termination() -> Any:
    contract = make_contract.service_contract()
    return Termination.objects.create(
        contract=contract, on="2026-12-31", reason="Moved away", currency="EUR", computed=0,
        charge=0, content_hash="0" * 64,
    )  # fmt: skip


def _proposal() -> Any:
    made = make_contract.drafted()
    return proposals.propose(
        agreement_id=made.pk, side="customer", part="level", key="repair_hours", wanted="2", by=None
    )


def _repriced() -> Any:
    quote = make_contract.approved_quote(make_contract.in_force())
    return RepriceProposal.objects.create(
        quote=quote, agreement=quote.agreement, quote_edition=1, monthly_before=1, monthly_after=1, one_time_before=1,
        one_time_after=1,
    )  # fmt: skip


MAKERS: dict[str, Callable[[], Any]] = {
    "crm.Case": CaseFactory,
    "crm.Lead": LeadFactory,
    "crm.Opportunity": OpportunityFactory,
    "catalog.PriceMatrix": _sold(_matrix),
    "contracts.Clause": _clause,
    "contracts.Termination": _sold(_termination),
    "contracts.Proposal": _sold(_proposal),
    "contracts.RepriceProposal": _sold(_repriced),
    "cmdb.Product": lambda: make_inventory.product(SiteFactory()),
    "cmdb.Service": lambda: _installed() and apps.get_model("cmdb.Service")._default_manager.order_by("pk")[0],
    "cmdb.Resource": lambda: _installed() and apps.get_model("cmdb.Resource")._default_manager.order_by("pk")[0],
    "contracts.Agreement": _sold(make_contract.drafted),
    "contracts.Contract": _sold(make_contract.service_contract),
    "contracts.Quote": _sold(make_contract.approved_quote),
    "fulfillment.Project": _project,
    "fallout.Fallout": make_fallout.fallout,
    "kernel.DecisionTable": lambda: DecisionTable.objects.create(key="t_table", title="Trial"),
    "orders.EnrichmentFlow": _enrichment_flow,
}
IN_ORDER = ("catalog.Specification", "catalog.DecompositionRule", "catalog.Offering",
            "fulfillment.PlanDefinition", "fulfillment.Flow",
            "fulfillment.Task", "orders.Order", "orders.OrderLine", "orders.DomainOrder")  # fmt: skip
MAKERS |= {label: _of_order(label) for label in IN_ORDER}


def cases(model: type[models.Model], field: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each state with the moves that do not start there and the states that cannot follow it."""
    declared = lifecycle.transitions_of(model, field)
    states = sorted({str(t.source) for t in declared} | {str(t.target) for t in declared})
    for state in states:
        here = [t for t in declared if t.source == state]
        wrong = sorted({t.name for t in declared} - {t.name for t in here})
        yield state, wrong, [s for s in states if s != state and s not in {t.target for t in here}]


def put(record: Any, field: str, state: str) -> bool:
    """The record as the database would hold it in that state; False if a constraint forbids it for this one."""
    try:
        with transaction.atomic(), pgtrigger.ignore():
            type(record)._base_manager.filter(pk=record.pk).update(**{field: state})
    except DatabaseError:
        return False
    return True


def held(record: Any, field: str) -> str:
    """The state in the database."""
    return str(type(record)._base_manager.values_list(field, flat=True).get(pk=record.pk))


@pytest.fixture
def operator() -> User:
    """Somebody with every right: what is refused here is refused for the state alone."""
    return UserFactory(is_superuser=True, is_staff=True)


def test_every_lifecycle_has_a_record_here() -> None:
    assert {model._meta.label for model, _ in lifecycles()} == set(MAKERS)


@pytest.mark.parametrize(("model", "field"), lifecycles(), ids=lambda value: getattr(value, "__name__", str(value)))
def test_every_move_from_every_wrong_state_is_refused(
    model: type[models.Model], field: str, client: Client, operator: User, figure: Figure, full: bool
) -> None:
    with blank():
        record = MAKERS[model._meta.label]()
    client.force_login(operator)
    address = reverse("move", args=[model._meta.label_lower, record.pk])
    screens = client.post(address, {"move": ""}).status_code != 404
    posted = moved = crafted = 0
    answers: dict[tuple[str, str], int] = {}
    for state, wrong, unreachable in cases(model, field):
        if not put(record, field, state):
            continue
        before = ledger.pages()
        for name in wrong:
            current = model._default_manager.get(pk=record.pk)
            with pytest.raises(lifecycle.IllegalMove), transaction.atomic():
                lifecycle.move(current, getattr(model, name), by=None)
            moved += 1
            if screens and (full or moved % SAMPLE == 0):
                sent = client.post(address, {"move": name, "reason": "Because."}, headers={"HX-Request": "true"})
                posted += 1
                if sent.status_code != 409:
                    answers[state, name] = sent.status_code
        for target in unreachable:
            with pytest.raises(DatabaseError), transaction.atomic():
                model._base_manager.filter(pk=record.pk).update(**{field: target})
            crafted += 1
        assert held(record, field) == state
        assert ledger.changed(before) == [], f"changed from {state}"
    label = model._meta.verbose_name
    assert answers == {}, answers
    figure("T25", f"{label}: moves refused by the lifecycle", moved, at_least=1)
    figure("T25", f"{label}: moves refused with 409 by the screen", posted)
    figure("T25", f"{label}: updates refused by the database", crafted, at_least=1)
