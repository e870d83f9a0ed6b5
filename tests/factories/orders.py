"""Orders for tests: a small catalogue, an accepted quote, and an order walked to any stage by the acts themselves.

`Shop()` makes the catalogue; `shop.quote(sites=2)` an accepted quote; `shop.draft()`, `shop.submitted()`,
`shop.approved()` and `shop.running()` an order at that stage.
"""

import datetime as dt
import itertools
import uuid
from decimal import Decimal
from typing import Any

from django.utils import timezone

from catalog.models import Category, Characteristic, DecompositionRule, Dependency, Offering, PriceList, Specification
from cmdb.models import FeasibilityCheck
from contracts.models import Quote, QuoteLine
from crm.models import Account, Site
from fulfillment.models import PlanDefinition, PlanDependency, PlanItem
from kernel import lifecycle, outbox
from kernel.models import DecisionTable, User
from orders import capture, submission
from orders.models import Order
from tests.factories.crm import AccountFactory, BillingProfileFactory, ContactFactory, SiteFactory
from tests.factories.people import UserFactory

_count = itertools.count(1)

LONG_SINCE: dict[str, Any] = {
    "state": "active", "starts_on": dt.date(2020, 1, 1), "published_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
}  # fmt: skip
CATALOGUE: dict[str, Any] = {
    "specifications": [
        {"key": "t-internet", "kind": "product", "name": "Dedicated internet", "characteristics": [
            {"key": "speed", "type": "number", "required": True, "minimum": 10, "maximum": 10000, "unit": "Mbit/s"},
            {"key": "routing", "type": "choice", "choices": ["static", "BGP"], "default": "static"},
            {"key": "access_pairs", "type": "number", "default": 1, "minimum": 1, "maximum": 2},
            {"key": "vlan", "type": "number", "source": "enrichment", "required": True, "minimum": 2, "maximum": 4094},
        ]},
        {"key": "t-access", "kind": "cfs", "name": "Internet access", "characteristics": [
            {"key": "speed", "type": "number", "required": True},
            {"key": "vlan", "type": "number"},
            {"key": "routing", "type": "text"},
            {"key": "access_pairs", "type": "number"},
            {"key": "pop_found", "type": "text", "source": "task"},
        ]},
        {"key": "t-fibre", "kind": "rfs", "name": "Fibre access", "characteristics": [
            {"key": "speed_class", "type": "text", "required": True},
            {"key": "circuit", "type": "text", "source": "task"},
        ]},
        {"key": "t-bgp", "kind": "rfs", "name": "BGP session", "characteristics": [{"key": "peer", "type": "text"}]},
        {"key": "t-port", "kind": "resource", "name": "IP port", "characteristics": [
            {"key": "mbps", "type": "number"}, {"key": "circuit", "type": "text"},
        ]},
        {"key": "t-tenant", "kind": "resource", "name": "Controller tenant"},
        {"key": "t-optimiser", "kind": "rfs", "name": "WAN optimiser", "characteristics": [
            {"key": "pop", "type": "text", "required": True},
        ]},
        {"key": "t-sdwan", "kind": "product", "name": "SD-WAN site", "characteristics": [
            {"key": "size", "type": "choice", "choices": ["S", "M"], "required": True},
        ]},
        {"key": "t-overlay", "kind": "cfs", "name": "Overlay"},
        {"key": "t-phones", "kind": "product", "name": "Phones"},
        {"key": "t-sim", "kind": "resource", "name": "SIM"},
    ],
    "dependencies": [{"source": "t-sdwan", "kind": "requires", "targets": ["t-internet"]}],
    "rules": [
        {"source": "t-internet", "target": "t-access",
         "mappings": ["speed", "vlan", "routing", "access_pairs"]},
        {"source": "t-access", "target": "t-fibre", "cardinality": "per_characteristic", "count_from": "access_pairs",
         "mappings": [{"to": "speed_class", "how": "table", "from": "speed", "value": {"100": "low", "*": "high"}}]},
        {"source": "t-access", "target": "t-bgp", "condition": "routing == 'BGP'",
         "mappings": [{"to": "peer", "how": "expression", "value": "'peer-' + string(vlan)"}]},
        {"source": "t-access", "target": "t-optimiser", "condition": "pop_found != ''",
         "mappings": [{"to": "pop", "from": "pop_found"}]},
        {"source": "t-fibre", "target": "t-port", "mappings": [
            {"to": "mbps", "how": "same", "from": "speed", "where": "related:t-access"},
            {"to": "circuit", "how": "same", "from": "circuit"}]},
        {"source": "t-sdwan", "target": "t-overlay"},
        {"source": "t-overlay", "target": "t-tenant", "merge": "order"},
        {"source": "t-phones", "target": "t-sim", "cardinality": "per_quantity"},
    ],
    "categories": [{"key": "t-network", "name": "Network"}],
    "offerings": [
        {"key": "t-internet", "name": "Dedicated internet", "short_name": "DIA", "category": "t-network",
         "specification": "t-internet"},
        {"key": "t-sdwan", "name": "SD-WAN site", "short_name": "SD-WAN", "category": "t-network",
         "specification": "t-sdwan"},
        {"key": "t-phones", "name": "Mobile phones", "category": "t-network", "specification": "t-phones",
         "needs_site": False},
    ],
}  # fmt: skip


def stock() -> None:
    """The catalogue as an import leaves it, in a handful of statements."""
    specs = {
        item["key"]: Specification(key=item["key"], kind=item["kind"], name=item["name"], state="active")
        for item in CATALOGUE["specifications"]
    }
    Specification.objects.bulk_create(specs.values())
    Characteristic.objects.bulk_create(
        Characteristic(
            specification=specs[item["key"]], position=n, **{"name": c["key"].replace("_", " ").capitalize(), **c}
        )
        for item in CATALOGUE["specifications"]
        for n, c in enumerate(item.get("characteristics", []))
    )  # fmt: skip
    DecompositionRule.objects.bulk_create(
        DecompositionRule(**{
            "key": f"{rule['source']}-{rule['target']}", **rule, "source": specs[rule["source"]],
            "target": specs[rule["target"]], **LONG_SINCE,
            "mappings": [_mapping(entry) for entry in rule.get("mappings", [])],
        })
        for rule in CATALOGUE["rules"]
    )  # fmt: skip
    for item in CATALOGUE["dependencies"]:
        made = Dependency.objects.create(source=specs[item["source"]], kind=item["kind"])
        made.targets.set([specs[key] for key in item["targets"]])
    shelf = Category.objects.create(**CATALOGUE["categories"][0])
    Offering.objects.bulk_create(
        Offering(**{**item, "category": shelf, "specification": specs[item["specification"]], "state": "active"})
        for item in CATALOGUE["offerings"]
    )


def _mapping(entry: Any) -> dict[str, Any]:
    entry = {"to": entry} if isinstance(entry, str) else entry
    return {"how": "same", "from": entry["to"], "where": "parent", **entry}


class Shop:
    """A catalogue with its plans, one customer with sites, and the people who handle orders."""

    def __init__(self, *, plans: bool = True, ask: str = "") -> None:
        stock()
        if plans:
            self.plan("t-fibre", "dig")
            self.plan("t-access", "configure", waits_for="t-fibre")
        if ask:
            table("order_approval", "collect", ["lines"], ["role", "because"], [
                {"lines": "> 0", "role": f"'{ask}'", "because": "'Every order'"},
            ])  # fmt: skip
        else:
            table("order_approval", "collect", ["lines"], ["role", "because"], [])
        table("enrichment:t-internet", "first", ["speed"], ["vlan"], [{"speed": "", "vlan": "100"}])
        self.account: Account = AccountFactory()
        BillingProfileFactory(account=self.account)
        self.contact = ContactFactory(account=self.account)
        self.agent: User = UserFactory(role="order_agent")
        self.manager: User = UserFactory(role="order_manager")
        self.filler: User = UserFactory(role="order_fulfilment_agent")
        self.prices, _ = PriceList.objects.get_or_create(
            key="t-list", defaults={"name": "List", "valid_from": dt.date(2026, 1, 1)}
        )

    def plan(self, specification: str, *items: str, waits_for: str = "", kind: str = "automatic") -> PlanDefinition:
        """A published plan of steps one after the other, the first after another specification's flow in the line."""
        spec = Specification.objects.get(key=specification, state="active")
        plan = PlanDefinition.objects.create(
            key=f"{specification}-add", name=specification, specification=spec, starts_on=dt.date(2020, 1, 1)
        )
        made = [
            PlanItem.objects.create(
                definition=plan, key=key, name=key.capitalize(), kind=kind, position=n, duration_days=1
            )
            for n, key in enumerate(items)
        ]
        for before, after in itertools.pairwise(made):
            PlanDependency.objects.create(before=before, after=after)
        if waits_for:
            PlanDependency.objects.create(after=made[0], before_specification=waits_for, scope="line")
        lifecycle.move(plan, PlanDefinition.publish, by=None)
        return plan

    def quote(
        self, *, sites: int = 1, offerings: tuple[str, ...] = ("t-internet",), values: dict[str, Any] | None = None,
        quantity: int = 1,
    ) -> Quote:  # fmt: skip
        """An accepted quote with these offerings at each of some new sites."""
        quote = Quote.objects.create(
            number=f"QUO{next(_count):07d}T", title="Roll-out", account=self.account, price_list=self.prices,
            valid_until=timezone.localdate() + dt.timedelta(days=30), monthly=Decimal(450) * sites,
        )  # fmt: skip
        position = itertools.count(1)
        places: list[Site] = [SiteFactory(account=self.account) for _ in range(sites)]
        QuoteLine.objects.bulk_create(
            QuoteLine(
                quote=quote, key=uuid.uuid4(), position=next(position), site=site, quantity=quantity,
                monthly=Decimal(450), offering=Offering.objects.get(key=key, state="active"),
                characteristics=self.values(key, values),
            )
            for site in places
            for key in offerings
        )  # fmt: skip
        FeasibilityCheck.objects.bulk_create(
            FeasibilityCheck(
                number=f"FEA{next(_count):07d}T", site=site, account=self.account, result="on_net", lead_days=15,
                offering=Offering.objects.get(key="t-internet", state="active"),
            )
            for site in places
        )  # fmt: skip
        for move in (Quote.submit, Quote.approve, Quote.present, Quote.accept):
            lifecycle.move(quote, move, by=None)
        return quote

    @staticmethod
    def values(key: str, values: dict[str, Any] | None) -> dict[str, Any]:
        """What the customer configured."""
        own = {"t-internet": {"speed": 100}, "t-sdwan": {"size": "S"}}.get(key, {})
        return {**own, **(values or {})} if key == "t-internet" else dict(own)

    def draft(self, **quote: Any) -> Order:
        """A draft captured from an accepted quote."""
        return capture.from_quote(quote_id=self.quote(**quote).pk, by=self.agent)

    def submitted(self, **quote: Any) -> Order:
        """Submitted, enrichment still to come."""
        return submission.submit(order_id=self.draft(**quote).pk, by=self.agent)

    def approved(self, **quote: Any) -> Order:
        """Through enrichment and approval (none is asked), not yet launched."""
        from orders import enrichment

        order = self.submitted(**quote)
        return enrichment.run(order_id=order.pk)

    def running(self, **quote: Any) -> Order:
        """Launched; what the outbox holds has been delivered."""
        from orders import orchestration

        order = self.approved(**quote)
        orchestration.launch(order_id=order.pk)
        return fresh(order)


def fresh(record: Any) -> Any:
    """The record as the database has it now."""
    return type(record).objects.get(pk=record.pk)


def finish() -> None:
    """Let the engine do all machine work, and tell everybody."""
    from fulfillment import execution

    while execution.run_ready() + outbox.drain():
        pass


def table(key: str, hit: str, inputs: list[str], outputs: list[str], rows: list[dict[str, str]]) -> DecisionTable:
    """An active decision table."""
    made, _ = DecisionTable.objects.update_or_create(
        key=key, version=1,
        defaults={"title": key, "hit": hit, "rows": rows, "inputs": [{"name": n} for n in inputs],
                  "outputs": [{"name": n} for n in outputs]},
    )  # fmt: skip
    return made
