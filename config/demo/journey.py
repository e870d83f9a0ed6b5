"""Journey: one deal from lead to live service, by the acts that the screens use."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cmdb.models import Product, Resource, Service
from config.demo import delivering, selling
from config.demo.delivering import Delivery
from config.demo.selling import Deal, Settle
from contracts.models import BillingStart, Contract
from crm.models import Account
from fulfillment.models import Project, Task
from kernel import outbox
from kernel.models import AuditEntry, OutboxEvent, User
from orders.models import Order

PATIENCE = 180  # seconds without any progress before a live journey gives up; a long PDF takes its time
PATIENCE_WITH_MANY = 1200  # the same, for a deal of hundreds of sites
PATIENCE_WITH_PEOPLE = 3600  # the same, when people at their screens mend what falls out
PAUSE = 0.05  # seconds between two looks at what live workers have done
OVER = ("completed", "partial", "failed", "cancelled", "rejected")

SELLING = (
    selling.capture_lead, selling.complete_account, selling.sign_agreement, selling.quote_sites, selling.discount,
    selling.second_version, selling.accept,
)  # fmt: skip
ORDERING = (delivering.submit_order, delivering.enrich, delivering.approve)


class Stuck(RuntimeError):
    """The live engine made no progress."""


def settle_here(reached: Callable[[], bool]) -> None:
    """Do the outbox's work in this process until the condition holds; what a worker has in hand is waited for.

    Raises Stuck when nothing is left to do, or when nothing moves.
    """
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if outbox.drain():
            deadline = time.monotonic() + PATIENCE
        elif not _undone() and not reached():
            raise Stuck("Nothing is left to deliver, yet the order has not moved on.")
        elif time.monotonic() > deadline:
            raise Stuck("What is left to deliver fails again and again, or a worker has it and does not end.")
        else:
            time.sleep(PAUSE)


def _undone() -> bool:
    return bool(OutboxEvent.objects.filter(done_at__isnull=True).exists())


def settle_live(reached: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until live workers have made the condition true. Raises Stuck."""
    deadline = time.monotonic() + patience
    while not reached():
        if time.monotonic() > deadline:
            raise Stuck("The workers did not move the order on. Is a worker running?")
        time.sleep(PAUSE)


def settle_many(reached: Callable[[], bool]) -> None:
    """The same for a deal of hundreds of sites, whose document alone takes minutes. Raises Stuck."""
    settle_live(reached, PATIENCE_WITH_MANY)


@dataclass(frozen=True)
class Outcome:
    """The end of a journey in figures. `right` tells whether everything that was promised is there."""

    order: str
    state: str
    sites: int
    products_active: int
    services_active: int
    resources_in_service: int
    contracts_active: int
    billing_starts: int
    domain_orders: int
    tasks: int
    fallouts: int
    projects: int
    audit_events: int
    right: bool


def measured(order: Order) -> Outcome:
    """Count what one order has led to."""
    lines = order.lines.count()
    products = Product.objects.filter(order_number=order.number, state=Product.State.ACTIVE)
    tasks = Task.objects.filter(flow__root_type=Order._meta.label_lower, flow__root_id=order.pk)
    services = Service.objects.filter(order_number=order.number, state=Service.State.ACTIVE)
    active, billed = products.count(), BillingStart.objects.filter(product__in=products).count()
    contracts = Contract.objects.filter(quote=order.quote, kind=Contract.Kind.SERVICE, state=Contract.State.ACTIVE)
    return Outcome(
        order=order.number, state=str(order.state), sites=products.values("site").distinct().count(),
        products_active=active, services_active=services.count(),
        resources_in_service=Resource.objects.filter(order_number=order.number, state="in_service").count(),
        contracts_active=contracts.count(), billing_starts=billed,
        domain_orders=order.domain_orders.count(), tasks=tasks.count(), fallouts=order.fallouts.count(),
        projects=Project.objects.filter(root_number=order.number).count(), audit_events=AuditEntry.objects.count(),
        right=order.state == Order.State.COMPLETED and active == billed == lines,
    )  # fmt: skip


@dataclass
class Journey:
    """The deal and its delivery; each method yields one line for each thing done."""

    team: dict[str, User]
    sites_file: bytes = b""
    settle: Settle = settle_here
    mends: bool = True  # else whoever works the desk mends what falls out, in their own time

    def __post_init__(self) -> None:
        earlier = Account.objects.filter(name__startswith=selling.COMPANY, parent=None).count()
        self.deal = Deal(self.team, self.settle, sites_file=self.sites_file, mark=f" {earlier + 1}" if earlier else "")
        self.delivery = Delivery(self.deal, self.settle, mends=self.mends)

    @property
    def order(self) -> Order:
        """The order as it is now."""
        return Order.objects.get(pk=self.delivery.order.pk)

    def outcome(self) -> "Outcome":
        """What has come to be, counted."""
        return measured(self.order)

    def to_approved_order(self) -> Iterator[str]:
        """From the first call to an order that is being delivered."""
        for sell in SELLING:
            yield sell(self.deal)
        for act in ORDERING:
            yield act(self.delivery)

    def to_live_services(self) -> Iterator[str]:
        """People's work while live workers do theirs, until the order is over. Raises Stuck."""
        patience = PATIENCE if self.mends else PATIENCE_WITH_PEOPLE
        deadline = time.monotonic() + patience
        while self.delivery.state() not in OVER:
            for line in delivering.work(self.delivery):
                deadline = time.monotonic() + patience
                yield line
            if time.monotonic() > deadline:
                raise Stuck(f"Nothing has moved for {patience} seconds.")
            time.sleep(PAUSE)
        self.settle(lambda: not _undone())
