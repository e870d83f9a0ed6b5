"""Belongings: what a customer has: services with their levels, documents, people with access."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Q

from cmdb.models import Product
from contracts.models import Agreement, Contract, Quote, ServiceLevel, Termination
from crm.models import Account, Contact
from kernel.models import Document, User
from orders.models import Order, OrderLine

LIVING = ("pending_active", "active", "suspended", "pending_terminate")
SHOWN_QUOTES = ("presented", "accepted", "completed", "declined", "expired")
WITH_DOCUMENTS = (Quote, Agreement, Contract, Order, Product, Account)
PAPERS = {
    "quote_pdf": "Offer", "agreement_pdf": "Agreement", "signed_quote": "Signed offer",
    "signed_agreement": "Signed agreement",
}  # fmt: skip


def services(user: User) -> Any:
    """Products that the customer has or will have, by site."""
    rows = Product.objects.visible_to(user).filter(state__in=LIVING)
    return rows.select_related("account", "site", "offering").order_by("site__name", "name", "pk")


def places(rows: Any) -> list[int | None]:
    """The sites of services, in their order; None for what is not at a site."""
    return list(dict.fromkeys(rows.values_list("site_id", flat=True)))


def at(rows: Any, site_ids: list[int | None]) -> Any:
    """Those of the services that are at these sites."""
    known = [pk for pk in site_ids if pk is not None]
    return rows.filter(Q(site__in=known) | Q(site=None) if None in site_ids else Q(site__in=known))


def levels(user: User, site_ids: list[int]) -> dict[int, list[Any]]:
    """Service levels by site, from the service contracts in force or to come."""
    contracts = Contract.objects.visible_to(user).filter(
        kind=Contract.Kind.SERVICE, site__in=site_ids, state__in=["active", "pending_signature", "suspended"]
    )
    rows = ServiceLevel.objects.filter(contract__in=contracts.values("pk")).select_related("contract")
    found: dict[int, list[Any]] = defaultdict(list)
    for level in rows.order_by("metric", "-contract"):
        mine = found[int(level.contract.site_id or 0)]
        if level.metric not in {one.metric for one in mine}:
            mine.append(level)
    return found


def contract_of(user: User, product: Product) -> Any:
    """The service contract of a product's site, the latest first."""
    rows = Contract.objects.visible_to(user).filter(kind=Contract.Kind.SERVICE, site=product.site_id)
    return (
        rows.exclude(state__in=["cancelled", "draft"])
        .prefetch_related("entitlements__offering")
        .order_by("-pk")
        .first()
    )


@dataclass(frozen=True)
class End:
    """When and why a service is to end; `order` is the number of the order that switches it off."""

    on: dt.date | None
    early: bool
    charge: Decimal
    currency: str
    order: str = ""


def end_of(contract: Contract, product: Product) -> End | None:
    """The settled end of a service: an approved early end, notice, or an order that switches it off already."""
    lines = OrderLine.objects.filter(product=product, action="delete").exclude(order__state__in=["draft", "cancelled"])
    number = lines.order_by("-pk").values_list("order__number", flat=True).first() or ""
    made = Termination.objects.filter(Q(contract=contract.pk) | Q(contract=contract.parent_id or 0))
    early = made.filter(state__in=[Termination.State.APPROVED, Termination.State.DONE]).order_by("-pk").first()
    if early:
        of_site = [Decimal(line["amount"]) for line in early.lines if line["contract"] == contract.number]
        charge = sum(of_site, Decimal(0)) if early.charge == early.computed else early.charge
        return End(early.on, True, charge, early.currency, number)
    whole = contract.parent if contract.parent and contract.parent.notice_given_on else contract
    if whole.notice_given_on or number:
        return End(whole.ends_on, False, Decimal(0), contract.currency, number)
    return None


def titled(rows: Iterable[Document]) -> list[tuple[Document, str]]:
    """Documents, each with what it is in the words of the portal; empty for a file that somebody added."""
    return [(document, PAPERS.get(document.kind, "")) for document in rows]


def documents(user: User) -> Any:
    """Documents that we share, of every record that the customer sees, newest first."""
    wanted = Q(pk__in=[])
    for model in WITH_DOCUMENTS:
        seen = model._default_manager.visible_to(user)
        wanted |= Q(subject_type=model._meta.label_lower, subject_id__in=seen.values("pk"))
    return Document.objects.filter(wanted, customer_may_see=True).order_by("-created_at", "-pk")


def quotes(user: User) -> Any:
    """Quotes that were given to the customer, newest first."""
    rows = Quote.objects.visible_to(user).filter(state__in=SHOWN_QUOTES)
    return rows.select_related("account").order_by("-presented_at", "-pk")


def readable_quotes(user: User) -> Any:
    """Versions that were given to the customer, also those that a newer one replaced, and what they asked for."""
    given = Q(presented_at__isnull=False) | Q(state__in=SHOWN_QUOTES)
    rows = Quote.objects.visible_to(user).filter(given | Q(asked_at__isnull=False))
    return rows.select_related("account__owner", "owner", "agreement")


def is_given(quote: Quote) -> bool:
    """Whether the customer was given this version, with its prices."""
    return quote.presented_at is not None or quote.state in SHOWN_QUOTES


def people(user: User) -> Any:
    """People of the customer's companies who can log in here."""
    seen = Account.objects.visible_to(user).values("pk")
    rows = Contact.objects.filter(account__in=seen, user__isnull=False, user__is_active=True)
    return rows.select_related("account", "user").order_by("account__name", "last_name", "first_name")
