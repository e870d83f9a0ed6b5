"""T33: a page asks the database as often for 30 rows as for 6 (1,000 as for 10 in the full trial), whatever page it is.

Every address of the URL configuration is visited that answers to GET: lists, record pages, their panels and exports,
the customer's pages as the customer. An address that cannot be reached with these records has a row in ELSEWHERE that
says why; a new page without one fails the test, as does a row of a page that is gone.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, models
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from catalog.models import DecompositionRule, Offering, PriceList, Specification
from cmdb.models import Product, Resource, Service
from contracts import documents
from contracts.models import Agreement, Clause, Contract, Quote
from crm.models import Account, BillingProfile, Case, Contact, Lead, Opportunity, Site
from fallout.models import Fallout
from fulfillment import execution
from fulfillment.models import Flow, PlanDefinition, Task
from fulfillment.trouble import Trouble, fall_out
from kernel import frame, lifecycle, numbering, outbox
from kernel.models import DecisionTable, Document, Notification, User
from orders.models import DomainOrder, Order
from tests.contracts.conftest import blank_pages  # noqa: F401 – a fixture
from tests.factories import catalog as shelves
from tests.factories import contracts as deals
from tests.factories import portal as make_portal
from tests.factories.crm import (
    AccountFactory,
    BillingProfileFactory,
    CaseFactory,
    ContactFactory,
    LeadFactory,
    OpportunityFactory,
)
from tests.factories.orders import Shop
from tests.factories.people import UserFactory
from tests.faults import crowd
from tests.faults.conftest import Figure

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("blank_pages")]

SPARE = 2  # queries more are no growth: a page that has a next one looks for it
LEFT_OUT = ("admin", "logout", "healthz", "login", "password", "tmf-api", "oauth", "exchange")
BESIDE: dict[str, str] = {  # pages that these records do not have, by the reason
    "opens from a list that a world of orders leaves empty": """
        calendar catalog:characteristic catalog:group catalog:pairing catalog:matrix catalog:matrix_csv
        catalog:member catalog:price_edit catalog:sample catalog:sample_edit contracts:amendment_pdf
        contracts:notice_pdf contracts:quote_refused contracts:quote_sheet contracts:sign
        contracts:sign_document crm:lead_import_check crm:lead_import_problems crm:partner crm:partner_ask
        crm:partner_request crm:site_import_check crm:site_import_problems export fallout:runbook
        fulfillment:capacity fulfillment:project notification orders:flow orders:flow_trial orders:flow_versions
        report_mail returned_file returned_file_problems view
    """,
    "is refused for what is in force, sold or under way": """
        catalog:characteristic_new catalog:group_new catalog:member_new catalog:offering_edit catalog:rule_edit
        catalog:specification_edit contracts:quote_line crm:lead_convert decision_column
        fulfillment:plan_describe fulfillment:plan_publish fulfillment:plan_step fulfillment:plan_step_new
        orders:configure_line orders:ending orders:flow_describe orders:flow_publish orders:flow_step
    """,
    "wants a choice in its address": """
        catalog:adjustment catalog:money_add choose contracts:quote_rows contracts:quote_together crm:opportunity_move
        dashboard fulfillment:task_all home_block list_cell orders:pairing_trial orders:service orders:task report
        report_mail_new report_tile returned_file_new
    """,
    "leads on to another page": """
        api contracts:agreement_latest contracts:quote_latest dashboards many openapi decision_table_latest
        fallout:of_order fallout:of_task orders:jeopardy_rules
    """,
}
ELSEWHERE = {name for names in BESIDE.values() for name in names.split()}
KEYED: tuple[type[models.Model], ...] = (
    Order, Quote, Case, Lead, Opportunity, Account, Product, Service, Resource, Task, Fallout, Contact, Site,
    PlanDefinition, Offering, Specification, PriceList, DecompositionRule, Agreement, Contract, Clause, DomainOrder,
    DecisionTable, Notification, BillingProfile, Document,
)  # fmt: skip


@dataclass(frozen=True)
class Address:
    """One URL pattern by its name, and what it needs."""

    name: str
    route: str
    needs: tuple[str, ...]


def addresses(resolver: Any = None, namespace: str = "", path: str = "") -> Iterator[Address]:
    """All named addresses of ours."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = path + str(entry.pattern)
        if route.startswith(LEFT_OUT):
            continue
        if isinstance(entry, URLResolver):
            yield from addresses(entry, ":".join(filter(None, (namespace, entry.namespace or ""))), route)
        elif isinstance(entry, URLPattern) and entry.name:
            needs = tuple(entry.pattern.converters)
            yield Address(":".join(filter(None, (namespace, entry.name))), "/" + route, needs)


@dataclass(frozen=True)
class Asked:
    """How often a page asks the database, and its questions without their numbers."""

    path: str
    times: int
    questions: Counter[str]


def more(made: Any, number: int, **differs: str) -> list[int]:
    """So many records like one that an act has made, in a statement or two; `differs` are texts with a number in it."""
    model = type(made)
    own = {name: getattr(made, name) for name in crowd.own(model, {"number", *differs})}
    numbers = numbering.take_many(model.PREFIX, number) if hasattr(model, "PREFIX") else [""] * number
    rows = [
        model(**own, **({"number": name} if name else {}), **{key: text.format(n) for key, text in differs.items()})
        for n, name in enumerate(numbers)
    ]
    return [row.pk for row in model.objects.bulk_create(rows)]


class World:
    """One customer with so many of everything: sites, an order with a line for each, tasks, contacts, fallouts."""

    def __init__(self, shop: Shop, size: int) -> None:
        first = {model: self._last(model) for model in KEYED}
        shop.account = AccountFactory()
        shop.contact = ContactFactory(account=shop.account)
        BillingProfileFactory(account=shop.account)
        shop.quote(sites=1)
        order = shop.running(sites=size)
        more(LeadFactory(), size)
        more(CaseFactory(account=shop.account), size)
        more(ContactFactory(account=shop.account), size, email="person{}@customer.example")
        more(OpportunityFactory(account=shop.account), size)
        children = more(AccountFactory(parent=shop.account), size)
        below = Concat(Value(shop.account.path), Cast("pk", CharField()), Value("/"))
        Account.objects.filter(pk__in=children).update(path=below)
        self._break(order, size)
        deals.live(sites=size)
        self.order = order
        self.customer = make_portal.customer(shop.account)
        self.records = {model: self._pick(model, pk) for model, pk in first.items()}
        self.records[Offering] = order.lines.select_related("offering").order_by("pk")[0].offering

    @staticmethod
    def _last(model: type[models.Model]) -> int:
        newest = model._base_manager.order_by("-pk").values_list("pk", flat=True).first()
        return newest or 0

    def _pick(self, model: type[models.Model], after: int) -> Any:
        if model is Order:
            return self.order
        made = model._base_manager.filter(pk__gt=after).order_by("pk")
        return made.first() or model._base_manager.order_by("pk").first()

    @staticmethod
    def _line(record: Any) -> int:
        """The first line of a quote or an order."""
        line = record.lines.order_by("pk").first() if isinstance(record, Quote | Order) else None
        return line.pk if line else 0

    def _break(self, order: Order, size: int) -> None:
        """Half of the machine's work is done, then every second task that is ready falls out."""
        execution.run_local(size)
        outbox.drain()
        ready = Task.objects.filter(flow__root_id=order.pk, state="ready").order_by("pk")
        keys = [task.pk for task in ready][: max(5, size // 2)]
        lifecycle.move_many(Task.objects.filter(pk__in=keys), Task.start, by=None)
        fall_out({pk: Trouble("provisioning", "VLAN in use", "2114 is taken.", {"vlan": 2131}) for pk in keys})
        outbox.drain()

    def ways(self, address: Address) -> Iterator[str]:
        """Paths that the address may have for our records."""
        if not address.needs:
            yield _filled(address.route, {})
            return
        flow = Flow.objects.filter(root_id=self.order.pk).first()
        near = address.name.split(":")[0]
        records = sorted(filter(None, self.records.values()), key=lambda record: record._meta.app_label != near)
        for record in records:
            values = {
                "number": getattr(record, "number", ""), "pk": record.pk, "key": getattr(record, "key", ""),
                "version": getattr(record, "version", 1), "label": record._meta.label_lower,
                "root_type": flow.root_type if flow else "", "root_id": self.order.pk, "other": 1,
                "language": getattr(record, "language", ""), "offering": self.records[Offering].key,
                "line_id": self._line(record),
            }  # fmt: skip
            if all(values.get(name) not in ("", None, 0) for name in address.needs):
                yield _filled(address.route, values)


def _filled(route: str, values: dict[str, Any]) -> str:
    parts = []
    for part in route.split("<"):
        name, closed, rest = part.partition(">")
        parts.append(f"{values[name.split(':')[-1]]}{rest}" if closed else part)
    return "".join(parts)


def visit(world: World, client: Client, user: User, *, portal: bool) -> dict[str, Asked]:
    """What every address that answers this person asks, by name: of the portal, or of everything else."""
    client.force_login(user)
    found: dict[str, Asked] = {}
    for address in addresses():
        if address.name.startswith("portal:") != portal or address.name in ELSEWHERE:
            continue
        for path in world.ways(address):
            status, asked = read(client, path)
            if asked is not None:
                found[address.name] = asked
            if asked is not None or status == 405:
                break
    return found


def read(client: Client, path: str) -> tuple[int, Asked | None]:
    """One page: its status, and what it asks if that is 200."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
        if answer.status_code != 200:
            return answer.status_code, None
        _read(answer)
    return 200, Asked(path, len(captured), Counter(_same(query["sql"]) for query in captured))


def _same(question: str) -> str:
    """A question without the numbers and texts that are another's in each row."""
    return re.sub(r"'[^']*'|\d+", "#", question)[:300]


def grown(small: Asked, big: Asked) -> bool:
    """Whether the page asks more often."""
    return big.times > small.times + SPARE


def is_act(client: Client, address: Address) -> bool:
    """Whether the address takes posts only; views say so before they look at anything else."""
    values = dict.fromkeys(address.needs, 1)
    return bool(client.get(_filled(address.route, values)).status_code == 405)


def _read(answer: Any) -> None:
    if answer.streaming:
        assert b"".join(answer.streaming_content)


def test_no_page_asks_more_often_for_more_rows(
    client: Client, figure: Figure, full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "COUNT_SECONDS", 86_400)  # counts beside the navigation are remembered throughout
    sizes = (10, 1000) if full else (6, 30)
    monkeypatch.setattr(documents, "AT_ONCE", sizes[1])  # the paper is blank here; nobody has to wait for it
    shop = Shop()
    shelves.publish()
    operator: User = UserFactory(is_superuser=True, is_staff=True)
    counts: list[dict[str, Asked]] = []
    for size in sizes:
        world = World(shop, size)
        cache.clear()
        counts.append(visit(world, client, operator, portal=False) | visit(world, client, world.customer, portal=True))
    small, big = counts
    for name in small.keys() & big.keys():
        if grown(small[name], big[name]):  # what is remembered until something changes was read anew
            client.force_login(world.customer if name.startswith("portal:") else operator)
            big[name] = read(client, big[name].path)[1] or big[name]
    worse = {
        f"{name} {small[name].times} → {big[name].times}": (big[name].questions - small[name].questions).most_common(1)
        for name in small.keys() & big.keys()
        if grown(small[name], big[name])
    }
    there = {address.name for address in addresses()}
    assert there >= ELSEWHERE, f"there is no such page any more: {sorted(ELSEWHERE - there)}"
    unseen = [address for address in addresses() if address.name not in small.keys() | big.keys() | ELSEWHERE]
    client.force_login(operator)
    unseen = [address for address in unseen if not is_act(client, address)]
    client.force_login(world.customer)
    pages = [address.name for address in unseen if not is_act(client, address)]
    assert pages == [], f"not visited; make what they need, or say why not: {sorted(pages)}"
    figure("T33", f"pages visited with {sizes[0]} and {sizes[1]} rows", len(small), at_least=40)
    assert worse == {}, "\n".join(f"{page}: {question}" for page, question in sorted(worse.items()))
    figure("T33", "pages whose queries grow with the rows", len(worse), exactly=0)
