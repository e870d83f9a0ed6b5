"""Billing: a product is billed from the day it is active, never earlier, to the profile of whoever pays for it."""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from cmdb.models import Product
from contracts import events
from contracts.models import BillingChange, BillingStart, Contract, ContractCharge, ContractLine
from crm.models import Account, BillingProfile
from kernel import audit, outbox
from kernel.models import User
from kernel.refusal import Conflict, Refusal


class NotActive(Conflict):
    """Billing was asked for products that the customer does not have yet."""


class NoProfile(Refusal):
    """Nobody is set up to pay; the message names the accounts."""


@transaction.atomic
def start(*, product_ids: Iterable[int], on: dt.date, by: User | None) -> list[BillingStart]:
    """Start billing of these products, in a constant number of statements.

    Products that are billed already are left alone, so calling again is harmless. Returns what began now.

    Raises:
        NotActive: a product is not active, or became so after that day.
        NoProfile: neither the account nor one above it has a billing profile.
    """
    products = [p for p in Product.objects.locked_all(product_ids) if p.state != Product.State.TERMINATED]
    billed = set(BillingStart.objects.filter(product__in=products).values_list("product_id", flat=True))
    products = [product for product in products if product.pk not in billed]
    _require_active(products, on)
    profiles = profiles_of({product.account_id for product in products})
    lines = _contract_lines(products)
    made = BillingStart.objects.bulk_create(
        BillingStart(
            contract_line_id=lines.get((product.order_line_key, product.site_id)), product=product,
            account_id=product.account_id, site_id=product.site_id, billing_profile=profiles[product.account_id],
            starts_on=on, currency=product.currency, monthly=product.monthly, one_time=product.one_time,
        )
        for product in products
    )  # fmt: skip
    audit.record_many("billing started", products, by=by, changes={"billed_from": [None, on]})
    outbox.publish_all([events.BillingStarted(billing_start_id=row.pk) for row in made])
    return made


def profiles_of(account_ids: set[int]) -> dict[int, BillingProfile]:
    """Account → the default profile of it or of the nearest account above. Raises NoProfile for those without."""
    accounts = list(Account.objects.filter(pk__in=account_ids).only("pk", "name", "path"))
    chains = {account.pk: [int(part) for part in reversed(account.path.strip("/").split("/"))] for account in accounts}
    wanted = {pk for chain in chains.values() for pk in chain}
    rows = BillingProfile.objects.filter(account_id__in=wanted, is_default=True).select_related("account")
    defaults = {profile.account_id: profile for profile in rows}
    found = {pk: next((defaults[a] for a in chain if a in defaults), None) for pk, chain in chains.items()}
    if bare := sorted(account.name for account in accounts if found[account.pk] is None):
        raise NoProfile(
            problems={"billing_profile": [f"{', '.join(bare)}: nobody is set up to pay; add a billing profile."]}
        )
    return {pk: profile for pk, profile in found.items() if profile}


def _require_active(products: list[Product], on: dt.date) -> None:
    early = sorted(p.number for p in products if p.state not in (Product.State.ACTIVE, Product.State.SUSPENDED))
    if early:
        raise NotActive(f"Billing starts with the service, and these are not active: {', '.join(early)}.")
    before = sorted(p.number for p in products if p.started_at and timezone.localdate(p.started_at) > on)
    if before:
        raise NotActive(f"Active only after {on:%d %B %Y}, so not billed from then: {', '.join(before)}.")


def _contract_lines(products: list[Product]) -> dict[tuple[str, int | None], int]:
    """(line key, site) → the contract line that the product was sold by: its site's, else the sales contract's."""
    keys = {product.order_line_key for product in products if product.order_line_key}
    rows = (
        ContractLine.objects.filter(quote_line__key__in=keys)
        .exclude(contract__state__in=[Contract.State.CANCELLED, Contract.State.TERMINATED])
        .order_by("-contract__kind", "id")
        .values_list("quote_line__key", "site_id", "pk", "contract__kind")
    )
    found: dict[tuple[str, int | None], int] = {}
    for key, site_id, pk, kind in rows:
        if kind == Contract.Kind.SERVICE or site_id is None:
            found[str(key), site_id] = pk
    return found


def under(contract: Contract) -> QuerySet[BillingStart]:
    """What is billed under a contract and those below it, also what a change or a renewal brought under it."""
    lines = ContractLine.objects.filter(Q(contract=contract) | Q(contract__parent=contract))
    later = BillingChange.objects.filter(contract_line__in=lines).values("billing_start")
    found: QuerySet[BillingStart] = BillingStart.objects.filter(Q(contract_line__in=lines) | Q(pk__in=later))
    return found


def charges_under(contract: Contract) -> QuerySet[ContractCharge]:
    """What is owed once for a contract and those below it."""
    return ContractCharge.objects.filter(Q(contract=contract) | Q(contract__parent=contract))


def of_contract(contract: Contract) -> list[BillingStart]:
    """What is billed under a contract with its changes, in the order of the sites."""
    rows = under(contract).select_related("product", "site", "billing_profile").prefetch_related("changes")
    return list(rows.order_by("starts_on", "site__code", "id"))
