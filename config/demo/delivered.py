"""Delivered: the orders of the past year with their work, their fallout and what is billed since."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from catalog.models import Offering
from cmdb.models import Product
from config.demo.past import Past
from contracts.models import BillingStart
from crm.models import BillingProfile, Site
from fallout import causes
from fallout.models import Fallout
from fulfillment.models import Flow, PlanDefinition, PlanItem, Task
from kernel import copying
from kernel.models import AuditEntry, User
from orders.models import DomainOrder, Order, OrderLine

SOLD = {  # offering → monthly price, specifications whose plans ran
    "dia": (650, ("internet_access", "fibre_access", "ip_port", "ip_block")),
    "sdwan": (240, ("sdwan_site", "edge_cpe", "sdwan_overlay", "sdwan_licence")),
    "sip": (180, ("voice_trunk", "sbc_trunk", "numbering", "number_porting")),
    "firewall": (310, ("firewall_service", "fw_instance")),
    "broadband": (75, ("bb_internet", "olt_access", "ont")),
}
FAILS = (  # specification, step, share of flows that fail there, type, code, cause
    ("ip_port", "create", 0.4, "provisioning", "vlan_in_use", "VLAN 2114 is in use"),
    ("number_porting", "request", 0.42, "porting_rejection", "account_mismatch", "The losing carrier does not know it"),
    ("fibre_access", "order", 0.2, "external_timeout", "timeout", "The access supplier does not answer"),
    ("edge_cpe", "ship", 0.2, "inventory_allocation", "no_stock", "No router of this model in stock"),
    ("ont", "install", 0.25, "site_access", "no_entry", "Nobody opened at the site"),
)
MANUAL = ("project",)  # kinds of steps that these orders did not need
ORDERS = 78


def tell(team: dict[str, User]) -> str:
    """The whole year."""
    past = Past(team)
    sites = past.open_customers()
    customers = list({site.account_id: site.account for site in sites}.values())
    past.leads(past.deals(customers))
    past.cases(customers)
    year = Year(past, sites)
    year.write()
    return f"{len(year.orders)} orders, {len(year.fallouts)} fallouts and {len(year.starts)} bills of the past year."


class Year:
    """Rows of the year, table by table, copied in at the end."""

    def __init__(self, past: Past, sites: Sequence[Site]) -> None:
        self.past, self.sites, self.chance = past, sites, past.chance
        self.manager = past.team["order_manager"].pk
        self.profiles = dict(BillingProfile.objects.values_list("account", "pk"))
        self.offerings = {one.key: one for one in Offering.objects.filter(key__in=SOLD, state="active")}
        plans = PlanDefinition.objects.filter(state="active", action="add").select_related("specification")
        self.plans = {plan.specification.key: plan for plan in plans if plan.specification}
        self.items: dict[int, list[PlanItem]] = {}
        for item in PlanItem.objects.filter(definition__in=plans).exclude(kind__in=MANUAL).order_by("position", "pk"):
            self.items.setdefault(item.definition_id, []).append(item)
        self.orders: list[tuple[Any, ...]] = []
        self.lines: list[tuple[Any, ...]] = []
        self.domain: list[tuple[Any, ...]] = []
        self.flows: list[tuple[Any, ...]] = []
        self.tasks: list[tuple[Any, ...]] = []
        self.fallouts: list[tuple[Any, ...]] = []
        self.products: list[tuple[Any, ...]] = []
        self.starts: list[tuple[Any, ...]] = []
        self.trail: list[tuple[Any, ...]] = []
        self.keys = {model: iter(copying.keys(model, 2_500)) for model in (DomainOrder, Flow, Task)}
        self.few = {model: iter(copying.keys(model, 3 * ORDERS)) for model in (Order, OrderLine, Product)}
        for place in range(ORDERS):
            self._order(place)

    def _order(self, place: int) -> None:
        """One order, its phases, its promise and its lines."""
        pk, number, pick = next(self.few[Order]), f"ORD-25-{place + 1:04d}", self.chance.uniform
        came = self.past.ago(358 - 330 * (place / ORDERS) ** 0.85)
        asked = came + dt.timedelta(days=pick(0.05, 1.6))
        agreed = asked + dt.timedelta(days=pick(0.1, 2.8))
        began = agreed + dt.timedelta(days=pick(0.01, 0.3))
        ended = min(began + dt.timedelta(days=self.chance.lognormvariate(2.75, 0.38)), self.past.ago(0.5))
        late = self.chance.random() < 0.34 - 0.2 * place / ORDERS
        slip = self.chance.randint(1, 9) if late else -self.chance.randint(0, 6)
        promised = ended.date() - dt.timedelta(days=slip)
        account = self.chance.choice(self.sites).account
        at = [site for site in self.sites if site.account_id == account.pk]
        sold = self.chance.sample(list(self.offerings.values()), self.chance.choice((1, 1, 2)))
        monthly = sum(SOLD[one.key][0] for one in sold)
        dropped = self.chance.random() < 0.06
        self.orders.append((
            pk, number, f"{sold[0].short_name or sold[0].name}, {at[0].city}", account.pk, monthly, promised, promised,
            came.date() + dt.timedelta(days=20), came, came, None if dropped else began, ended, self.manager,
            "cancelled" if dropped else "completed", "nothing" if dropped else "all",
            self.chance.choice(("agent", "agent", "portal", "api")), self.profiles[account.pk],
        ))  # fmt: skip
        if not dropped:
            self.trail += [("ask_approval", pk, asked), ("approve", pk, agreed)]
        for position, offering in enumerate(sold, 1):
            self._line(pk, number, position, offering, self.chance.choice(at), began, ended, dropped=dropped)

    def _line(
        self, order: int, number: str, position: int, offering: Offering, site: Site, began: dt.datetime,
        ended: dt.datetime, *, dropped: bool,
    ) -> None:  # fmt: skip
        price, specifications = SOLD[offering.key]
        price = round(price * self.chance.uniform(0.8, 1.5) / 5) * 5
        pk, key = next(self.few[OrderLine]), uuid.UUID(int=self.chance.getrandbits(128))
        product = None if dropped else next(self.few[Product])
        state = "cancelled" if dropped else "completed"
        self.lines.append((
            pk, order, key, position, offering.pk, offering.specification_id, site.account_id, site.pk, price, state,
            began, product,
        ))  # fmt: skip
        if product is None:
            return
        self.products.append((
            product, f"PRD-25-{product:05d}", offering.name, offering.pk, offering.specification_id, site.account_id,
            site.pk, price, number, str(key), ended, ended,
        ))  # fmt: skip
        self.starts.append((
            product, site.account_id, site.pk, self.profiles[site.account_id], ended.date(), price, ended,
        ))  # fmt: skip
        for step, specification in enumerate(specifications):
            if specification in self.plans:
                self._work(order, number, pk, key, step, specification, site, (began, ended))

    def _work(
        self, order: int, number: str, line: int, key: uuid.UUID, step: int, specification: str, site: Site,
        span: tuple[dt.datetime, dt.datetime],
    ) -> None:  # fmt: skip
        """One plan that ran: a domain order, its flow, its tasks one after the other within the span."""
        plan, (began, ended) = self.plans[specification], span
        domain, flow = next(self.keys[DomainOrder]), next(self.keys[Flow])
        its: Any = plan.specification
        self.flows.append((
            flow, plan.pk, specification, its.name, domain, order, number, str(key), site.account_id, site.pk, began,
            began, ended,
        ))  # fmt: skip
        self.domain.append((
            domain, f"DOM-25-{domain:05d}", order, line, site.account_id, site.pk, its.pk,
            its.name, its.kind, f"{key}/{step}-{specification}", began, began, ended, flow,
        ))  # fmt: skip
        items = self.items.get(plan.pk, [])
        whole = sum(float(item.duration_days) or 0.1 for item in items) or 1
        at, room = began, (ended - began).total_seconds() / 86_400
        for position, item in enumerate(items):
            planned = room * (float(item.duration_days) or 0.1) / whole
            over = at + dt.timedelta(days=planned * self.chance.uniform(0.55, 1))
            due = (at + dt.timedelta(days=planned * self.chance.uniform(0.55, 1.4))).date()
            pk = next(self.keys[Task])
            self.tasks.append((
                pk, f"TSK-25-{pk:06d}", flow, item.pk, site.account_id, item.key, item.name, item.kind, position,
                item.team, began, at, over, at.date(), due,
            ))  # fmt: skip
            self._fallout(pk, item, specification, order, site, at, over)
            at = over

    def _fallout(
        self, task: int, item: PlanItem, specification: str, order: int, site: Site, at: dt.datetime, over: dt.datetime
    ) -> None:
        for where, step, share, kind, code, cause in FAILS:
            if (where, step) != (specification, item.key) or self.chance.random() > share:
                continue
            fell = at + (over - at) * 0.3
            mended = min(fell + dt.timedelta(hours=self.chance.lognormvariate(1.6, 0.8)), over)
            operation = ".".join(filter(None, (item.adapter, item.operation))) or item.key
            self.fallouts.append((
                f"FO-25-{len(self.fallouts) + 1:04d}", task, site.account_id, order, site.pk, kind, cause, code,
                causes.fingerprint(operation, code, cause), item.fallout_team or item.team or "Order Desk",
                fell, fell + dt.timedelta(hours=8), mended, self.chance.choice(("retry", "edit_and_retry")),
            ))  # fmt: skip

    def write(self) -> None:
        """Copy everything in, what is pointed at first."""
        copying.copy(Order, (
            "id", "number", "title", "account_id", "monthly", "promised_on", "first_promised_on", "requested_on",
            "created_at", "submitted_at", "started_at", "ended_at", "manager_id", "state", "fulfilment", "channel",
            "billing_profile_id",
        ), self.orders)  # fmt: skip
        copying.copy(Product, (
            "id", "number", "name", "offering_id", "specification_id", "account_id", "site_id", "monthly",
            "order_number", "order_line_key", "created_at", "started_at",
        ), self.products, state="active")  # fmt: skip
        copying.copy(OrderLine, (
            "id", "order_id", "key", "position", "offering_id", "specification_id", "account_id", "site_id", "monthly",
            "state", "created_at", "product_id",
        ), self.lines)  # fmt: skip
        copying.copy(Flow, (
            "id", "definition_id", "specification_key", "name", "owner_id", "root_id", "root_number", "line_key",
            "account_id", "site_id", "created_at", "started_at", "ended_at",
        ), self.flows, owner_type=DomainOrder._meta.label_lower, root_type=Order._meta.label_lower,
            state="completed")  # fmt: skip
        copying.copy(DomainOrder, (
            "id", "number", "order_id", "line_id", "account_id", "site_id", "specification_id", "name", "kind",
            "path", "created_at", "started_at", "ended_at", "flow_id",
        ), self.domain, state="closed_complete")  # fmt: skip
        copying.copy(Task, (
            "id", "number", "flow_id", "item_id", "account_id", "key", "name", "kind", "position", "team", "created_at",
            "started_at", "ended_at", "planned_start", "planned_end",
        ), self.tasks, state="completed")  # fmt: skip
        copying.copy(Fallout, (
            "number", "task_id", "account_id", "order_id", "site_id", "type", "cause", "code", "fingerprint", "team",
            "created_at", "sla_due_at", "resolved_at", "resolution",
        ), self.fallouts, state="closed", resolution_note="Mended by hand.")  # fmt: skip
        copying.copy(BillingStart, (
            "product_id", "account_id", "site_id", "billing_profile_id", "starts_on", "monthly", "created_at",
        ), self.starts, currency="EUR", one_time=0)  # fmt: skip
        copying.copy(
            AuditEntry, ("action", "subject_id", "at"), self.trail, subject_type=Order._meta.label_lower, changes={}
        )
